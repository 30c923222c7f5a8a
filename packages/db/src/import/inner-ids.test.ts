import { expect, it } from "vitest";
import type { Database } from "../client.ts";
import { InnerIds, type InnerIdRange } from "./inner-ids.ts";

const PROJECT = { organizationId: 1, projectId: 1 };

/** Hands out blocks one behind the other, as the project's row does. */
function aDatabase(): Pick<Database, "inOrganization"> {
  let next = 1n;
  return {
    inOrganization: <T>(_organizationId: number, work: (tx: never) => Promise<T>) =>
      work({
        $queryRawUnsafe: (_sql: string, _projectId: number, size: number) => {
          const base = next;
          next += BigInt(size);
          return Promise.resolve([{ base }]);
        },
      } as never),
  };
}

function idsOf({ base, count }: InnerIdRange): number[] {
  return Array.from({ length: count }, (_, index) => base + index);
}

it("gives nobody an id twice, whoever asks while a block is on its way", async () => {
  const ids = new InnerIds(aDatabase() as Database);
  const batch = ids.reserveAll(PROJECT, 150);
  const others: InnerIdRange[] = [];
  const state = { isOver: false };
  const asking = (async () => {
    while (!state.isOver) {
      others.push(ids.reserveAtHand(PROJECT, 1));
      await Promise.resolve();
    }
  })();
  const range = await batch;
  state.isOver = true;
  await asking;
  // Whoever asks for all uses as many as he asked for.
  const used = [...idsOf({ base: range.base, count: 150 }), ...others.flatMap(idsOf)];
  expect(range.count).toBe(150);
  const next = await ids.reserveAll(PROJECT, 100);
  used.push(...idsOf(next));
  expect(new Set(used).size).toBe(used.length);
});
