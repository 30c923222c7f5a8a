import { describe, expect, it } from "vitest";
import { requestRun } from "../runs/request.ts";
import { useTestDatabase } from "../testing/test-database.ts";
import { makeWorld, type World } from "../testing/world.ts";
import { countWork, describeRun, drawTurn } from "./worker-queries.ts";

const setup = useTestDatabase("worker_queries");

async function requestSync({ organizationId, storageId }: World): Promise<number> {
  const request = {
    organizationId,
    storageId,
    kind: "sync",
    trigger: "test",
    actorId: null,
  } as const;
  return (await requestRun(setup.db, request))?.runId ?? 0;
}

async function endRuns(): Promise<void> {
  await setup.look("UPDATE run SET state = 'completed'");
}

async function drawFor({ organizationId }: World, served: number): Promise<number> {
  return drawTurn(setup.db, { organizationId, served });
}

/** A job in the queue. */
interface Waiting {
  readonly world: World;
  readonly number: number;
}

/** Serves the lowest number `turns` times; each job comes back. Gives how often each world was served. */
async function serve(queue: Waiting[], turns: number): Promise<Map<World, number>> {
  const served = new Map<World, number>();
  for (let turn = 0; turn < turns; turn++) {
    queue.sort((a, b) => a.number - b.number);
    const next = queue.shift();
    if (next === undefined) break;
    served.set(next.world, 1 + (served.get(next.world) ?? 0));
    queue.push({ world: next.world, number: await drawFor(next.world, next.number) });
  }
  return served;
}

async function addJobs(queue: Waiting[], world: World, jobs: number): Promise<void> {
  for (let job = 0; job < jobs; job++) queue.push({ world, number: await drawFor(world, 0) });
}

describe("drawTurn", () => {
  it("lets organisations take turns, whatever number of jobs each has", async () => {
    const [many, one] = [await makeWorld(setup.db), await makeWorld(setup.db)];
    const queue: Waiting[] = [];
    await addJobs(queue, many, 10);
    await addJobs(queue, one, 1);
    const served = await serve(queue, 40);
    expect(Math.abs((served.get(many) ?? 0) - (served.get(one) ?? 0))).toBeLessThanOrEqual(2);
  });

  it("lets an organisation save nothing up while it has no work, and makes it wait for nobody", async () => {
    const [busy, idle] = [await makeWorld(setup.db), await makeWorld(setup.db)];
    const queue: Waiting[] = [];
    await addJobs(queue, busy, 10);
    await serve(queue, 100);
    await addJobs(queue, idle, 1);
    const served = await serve(queue, 20);
    expect(served.get(idle)).toBeGreaterThanOrEqual(9);
    expect(served.get(busy)).toBeGreaterThanOrEqual(9);
  });

  it("lets the jobs of one organisation take turns", async () => {
    const world = await makeWorld(setup.db);
    const queue: Waiting[] = [];
    await addJobs(queue, world, 5);
    const before = queue.map(({ number }) => number);
    await serve(queue, 5);
    expect(Math.min(...queue.map(({ number }) => number))).toBeGreaterThan(Math.max(...before));
  });

  it("gives each number once to jobs that draw together", async () => {
    const world = await makeWorld(setup.db);
    const drawn = await Promise.all(Array.from({ length: 20 }, () => drawFor(world, 0)));
    expect(new Set(drawn).size).toBe(20);
  });
});

describe("describeRun", () => {
  it("names a run within its organisation alone", async () => {
    const [world, stranger] = [await makeWorld(setup.db), await makeWorld(setup.db)];
    const runId = await requestSync(world);
    const { organizationId, storageId } = world;
    const card = { storageId, direction: "source", provider: "s3", title: null, number: 1 };
    expect(await describeRun(setup.db, { organizationId, runId })).toEqual(card);
    const foreign = { organizationId: stranger.organizationId, runId };
    expect(await describeRun(setup.db, foreign)).toBeUndefined();
  });
});

describe("countWork", () => {
  it("counts units and objects of active runs, and deliveries that are due", async () => {
    await endRuns();
    const nothing = { activeRuns: 0, openUnits: 0, pendingObjects: 0, dueDeliveries: 0 };
    expect(await countWork(setup.db)).toEqual(nothing);
    const world = await makeWorld(setup.db);
    const { organizationId, storageId } = world;
    await setup.look(
      `INSERT INTO source_object (organization_id, storage_id, location_version, key, state, next_attempt_at)
       SELECT $1, $2, 1, n::text, 'pending', now() FROM generate_series(1, 7) n`,
      [organizationId, storageId],
    );
    expect(await countWork(setup.db)).toEqual(nothing);
    await requestSync(world);
    const waiting = { activeRuns: 1, openUnits: 1, pendingObjects: 7, dueDeliveries: 0 };
    expect(await countWork(setup.db)).toEqual(waiting);
  });
});
