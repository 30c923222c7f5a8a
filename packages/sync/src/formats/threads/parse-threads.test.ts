import { Buffer } from "node:buffer";
import { afterEach, describe, expect, it } from "vitest";
import { readTaskFile } from "../read-task-file.ts";
import type { TaskFileItem } from "../items.ts";
import { ParseThreads, type ParseThreadsOptions } from "./parse-threads.ts";

const open: ParseThreads[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((threads) => threads.close()));
});

function makeThreads(options: ParseThreadsOptions = {}): ParseThreads {
  const threads = new ParseThreads({ threads: 1, ...options });
  open.push(threads);
  return threads;
}

const SPOT = { rowIndex: 4, byteOffset: 9, resumeOffset: 10 };
/** Over the size up to which rows are parsed in place. */
const LARGE = "x".repeat(1_100_000);

async function read(body: string, threads: ParseThreads): Promise<TaskFileItem[]> {
  const items: TaskFileItem[] = [];
  for await (const item of readTaskFile(toBody(body), { key: "k", threads })) items.push(item);
  return items;
}

async function* toBody(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}

describe("large rows", () => {
  it("come back from their thread as they would have been parsed in place", async () => {
    const row = {
      data: { text: LARGE, n: 1 },
      annotations: [{ result: [{ id: "r" }] }, 7],
      meta: { a: 1 },
    };
    const body = `${JSON.stringify(row)}\n{"b":${JSON.stringify(LARGE)},"n":12345678901234567890}\n{"c":"${LARGE}\n{"d":1}\n`;
    const [first, second, third, fourth] = await read(body, makeThreads());
    expect(first).toMatchObject({
      kind: "row",
      rowIndex: 0,
      byteOffset: 0,
      row: {
        data: JSON.stringify(row.data),
        annotations: [{ resultJson: '[{"id":"r"}]' }],
        meta: '{"a":1}',
      },
      issue: { code: "annotation_invalid" },
    });
    expect(second).toMatchObject({
      kind: "row",
      rowIndex: 1,
      row: { data: expect.stringMatching(/"n":12345678901234567890}$/) as string },
    });
    expect(third).toMatchObject({ kind: "bad", rowIndex: 2, code: "invalid_json" });
    expect(fourth).toMatchObject({ kind: "row", rowIndex: 3, row: { data: '{"d":1}' } });
  });

  it("made of more values than a row may have are refused before they are parsed", async () => {
    const items = await read(`[{"a":[${"{},".repeat(5_000_000)}{}]},{"b":1}]`, makeThreads());
    expect(items).toMatchObject([
      { kind: "bad", rowIndex: 0, code: "parse_limit" },
      { kind: "row", rowIndex: 1 },
    ]);
  });

  it("that take too long are bad rows, and the process goes on", async () => {
    const heavy = `{"a":[${"{},".repeat(3_000_000)}{}]}`;
    const threads = makeThreads({ timeoutMs: 1 });
    expect(await read(heavy, threads)).toMatchObject([
      { kind: "bad", rowIndex: 0, byteOffset: 0, code: "parse_limit" },
    ]);
    expect(await read(heavy, makeThreads())).toMatchObject([{ kind: "row" }]);
  });
});

describe("ParseThreads", () => {
  it("gives a thread to one user at a time, first come first served", async () => {
    const threads = makeThreads();
    const order: number[] = [];
    await Promise.all(
      [1, 2, 3].map((user) =>
        threads.use(async (thread) => {
          order.push(user);
          const bytes = Buffer.from(`{"user":${String(user)}}`);
          const item = await thread.ask("json.row", { bytes, spot: SPOT });
          order.push(item.rowIndex * user);
        }),
      ),
    );
    expect(order).toEqual([1, 4, 2, 8, 3, 12]);
  });

  it("ends what is under way and what waits as canceled when it closes, not as bad rows", async () => {
    const threads = makeThreads();
    const started = Promise.withResolvers<unknown>();
    const bytes = Buffer.from(`{"a":[${"{},".repeat(1_000_000)}{}]}`);
    const underWay = threads.use((thread) => {
      const answer = thread.ask("json.row", { bytes, spot: SPOT });
      started.resolve(undefined);
      return answer;
    });
    const waits = threads.acquire();
    await started.promise;
    const outcomes = Promise.allSettled([underWay, waits]);
    await threads.close();
    const canceled = { status: "rejected", reason: { code: "canceled" } };
    expect(await outcomes).toMatchObject([canceled, canceled]);
    await expect(read(`{"a":"${LARGE}"}`, threads)).rejects.toMatchObject({ code: "canceled" });
  });

  it("says that it is our bug when a request makes no sense", async () => {
    await expect(
      makeThreads().use((thread) => thread.ask("parquet.next", null)),
    ).rejects.toMatchObject({ code: "internal" });
  });
});
