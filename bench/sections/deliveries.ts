import { Secret } from "@bucketbridge/core";
import { withPgClient } from "@bucketbridge/db";
import { AnnotationBench, BenchBell } from "../annotation-bench.ts";
import { openBarePuts, type BarePuts } from "../bare-put.ts";
import { atRate, describeTimes, percentile } from "../load.ts";
import { median } from "../measure.ts";
import { atMost, type Figure } from "../report.ts";
import type { Bench, Section } from "../section.ts";
import { hasRedis, withWorkers, type WorkerWorld } from "../worker-world.ts";

const SECTION = "deliveries";
const PUT_MS = 20;
const ANNOTATIONS = 2_000;
/** The first is what a busy machine can do too; the goal is about the last. */
const RATES = [50, 200] as const;
const SECONDS = 20;
/** Not measured: connections, plans and compiled code of both sides. */
const WARM_UP_SECONDS = 3;
/** A bare UPDATE and a bare PUT for every tenth save, so that they meet the same machine. */
const BARE_EVERY = 10;
const SAVE_PAIRS = 500;
const LATENCY_CEILING_MS = 250;
const SAVE_CEILING = 1.1;

/** From the commit of a save to its object in the bucket, and what a target costs the save itself. */
export const deliveriesSection: Section = {
  name: SECTION,
  about: "200 saves a second: how soon the object is there, and what a target costs the save",
  async measure(bench) {
    await bench.s3.send({ kind: "latency", putMs: PUT_MS });
    const figures: Figure[] = [];
    for (const queue of hasRedis() ? (["redis", "postgres"] as const) : (["postgres"] as const)) {
      await withWorkers(
        bench,
        1,
        async (world) => {
          figures.push(...toFigures(queue, await new SaveBench(bench, world).measure()));
        },
        { group: "export", queue },
      );
    }
    await bench.s3.send({ kind: "latency" });
    return figures;
  },
};

/** Milliseconds of what happened at one rate. */
interface Times {
  readonly asked: number;
  readonly perSecond: number;
  /** From the answer to the commit, and from the beginning of the save. */
  readonly visible: readonly number[];
  readonly visibleFromStart: readonly number[];
  readonly save: readonly number[];
  readonly bareUpdates: readonly number[];
  readonly barePuts: readonly number[];
}

/** Milliseconds of saves, one at a time. */
interface Pairs {
  readonly withTarget: readonly number[];
  readonly withoutTarget: readonly number[];
}

interface Measured {
  readonly times: readonly Times[];
  readonly pairs: Pairs;
}

/** What is saved into, and what is done beside it. */
interface Parts {
  readonly targetId: number;
  readonly ids: readonly number[];
  readonly puts: BarePuts;
  readonly client: PgClient;
}

/** A save of the annotation with this key. */
interface Save {
  readonly key: string;
  readonly startedMs: number;
  readonly committedMs: number;
}

class SaveBench {
  readonly #bench: Bench;
  readonly #world: WorkerWorld;
  readonly #annotations: AnnotationBench;
  readonly #bell: BenchBell;
  /** By note, which is a number that only rises. */
  readonly #saves = new Map<number, Save>();
  readonly #bucket: string;
  #note = 0;

  constructor(bench: Bench, world: WorkerWorld) {
    this.#bench = bench;
    this.#bucket = world.redisUrl === undefined ? "postgres-deliveries" : "redis-deliveries";
    this.#world = world;
    this.#annotations = new AnnotationBench(world.database);
    this.#bell = new BenchBell(world.database, world.redisUrl);
  }

  async measure(): Promise<Measured> {
    const { s3, scale } = this.#bench;
    const { database } = this.#world;
    const { projectId } = database;
    const count = Math.ceil(ANNOTATIONS * scale);
    const targetId = await this.#annotations.addTarget(projectId, s3, this.#bucket);
    const ids = await this.#annotations.addAnnotations(projectId, count);
    await s3.send({ kind: "empty", bucket: "bare" });
    const puts = await openBarePuts(s3, "bare");
    try {
      const times = await withPgClient(new Secret(database.adminUrl), async (client) => {
        await makeBareTable(client, count);
        const parts = { targetId, ids, puts, client };
        await this.#measureAt(RATES[0], WARM_UP_SECONDS, parts);
        const measured: Times[] = [];
        for (const rate of RATES)
          measured.push(await this.#measureAt(rate, SECONDS * scale, parts));
        return measured;
      });
      return { times, pairs: await this.#pairs(ids) };
    } finally {
      await Promise.all([puts.close(), this.#bell.close()]);
    }
  }

  async #measureAt(
    rate: number,
    seconds: number,
    { targetId, ids, puts, client }: Parts,
  ): Promise<Times> {
    const bareUpdates: number[] = [];
    const barePuts: number[] = [];
    let isBusy = false;
    this.#saves.clear();
    await Promise.all([
      atRate(rate, seconds, (index) =>
        this.#save(this.#world.database.projectId, ids[index % ids.length] ?? 0),
      ),
      atRate(rate / BARE_EVERY, seconds, async (index) => {
        // One at a time: a queue of ours is not what the servers take.
        if (isBusy) return;
        isBusy = true;
        bareUpdates.push(await timeOf(() => bareUpdate(client, index % ids.length)));
        barePuts.push(await timeOf(() => puts.put(String(index))));
        isBusy = false;
      }),
    ]);
    const perSecond = this.#saves.size / seconds;
    await this.#annotations.waitForRest(targetId);
    const visible = await this.#visibleTimes();
    const times = { asked: rate, perSecond, ...visible, bareUpdates, barePuts };
    this.#bench.say(
      `${this.#bucket}: ${String(rate)}/s asked, ${perSecond.toFixed(0)}/s done: ${describeTimes(times.visible)}`,
    );
    return times;
  }

  async #save(projectId: number, annotationId: number): Promise<void> {
    const note = ++this.#note;
    const startedMs = Date.now();
    const targets = await this.#annotations.save(projectId, annotationId, String(note));
    const committedMs = Date.now();
    this.#saves.set(note, { key: String(annotationId), startedMs, committedMs });
    this.#bell.ringPush(targets);
  }

  /** A save is visible with the first object that holds it or something newer. */
  async #visibleTimes(): Promise<Pick<Times, "visible" | "visibleFromStart" | "save">> {
    const writes = Map.groupBy(await this.#bench.s3.writes(this.#bucket), ({ key }) => key);
    const found = [...this.#saves].map(([note, save]) => {
      const write = writes.get(save.key)?.find((each) => Number(each.note) >= note);
      return { ...save, appliedMs: write?.appliedAtMs ?? Number.POSITIVE_INFINITY };
    });
    return {
      visible: found.map(({ appliedMs, committedMs }) => appliedMs - committedMs),
      visibleFromStart: found.map(({ appliedMs, startedMs }) => appliedMs - startedMs),
      save: found.map(({ committedMs, startedMs }) => committedMs - startedMs),
    };
  }

  /** One save at a time, in turns in a project with and in one without a target. */
  async #pairs(ids: readonly number[]): Promise<Pairs> {
    const { projectId } = this.#world.database;
    const plainId = await this.#annotations.addProject();
    const plain = await this.#annotations.addAnnotations(plainId, ids.length);
    const times = { withTarget: [] as number[], withoutTarget: [] as number[] };
    for (let index = 0; index < SAVE_PAIRS * this.#bench.scale; index++) {
      const at = index % ids.length;
      times.withTarget.push(await timeOf(() => this.#save(projectId, ids[at] ?? 0)));
      times.withoutTarget.push(await timeOf(() => this.#save(plainId, plain[at] ?? 0)));
    }
    return times;
  }
}

type PgClient = Parameters<Parameters<typeof withPgClient>[1]>[0];

async function makeBareTable(client: PgClient, rows: number): Promise<void> {
  await client.query("CREATE TABLE bare_update (id int PRIMARY KEY, value jsonb)");
  await client.query(
    "INSERT INTO bare_update SELECT i, '[]' FROM generate_series(0, $1::int) AS i",
    [rows],
  );
}

/** One row by its primary key, flushed to the disk. */
async function bareUpdate(client: PgClient, id: number): Promise<void> {
  const value = JSON.stringify([{ at: id }]);
  await client.query("UPDATE bare_update SET value = $2 WHERE id = $1", [id, value]);
}

async function timeOf(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

function toFigures(queue: "redis" | "postgres", { times, pairs }: Measured): Figure[] {
  const on = queue === "redis" ? "Redis" : "PostgreSQL queue";
  const { withTarget, withoutTarget } = pairs;
  return [
    ...times.map((each) => toLatencyFigure(on, each, queue === "redis" && each.asked === RATES[1])),
    {
      section: SECTION,
      what: `save with / without a target, ${on}`,
      ...atMost(SAVE_CEILING, median(withTarget) / median(withoutTarget)),
      detail: `medians ${median(withTarget).toFixed(2)} / ${median(withoutTarget).toFixed(2)} ms, p95 ${percentile(withTarget, 0.95).toFixed(1)} / ${percentile(withoutTarget, 0.95).toFixed(1)} ms`,
    },
  ];
}

function toLatencyFigure(on: string, times: Times, hasGoal: boolean): Figure {
  const p95 = percentile(times.visible, 0.95);
  const update = percentile(times.bareUpdates, 0.95).toFixed(0);
  const put = percentile(times.barePuts, 0.95).toFixed(0);
  const save = percentile(times.save, 0.95).toFixed(0);
  return {
    section: SECTION,
    what: `commit to object at ${String(times.asked)} saves/s, p95 in ms, ${on}`,
    figure: p95.toFixed(0),
    ...(hasGoal
      ? { goal: `< ${String(LATENCY_CEILING_MS)}`, isMet: p95 < LATENCY_CEILING_MS }
      : {}),
    detail:
      `p50 / p95 / p99 ${describeTimes(times.visible)}, from the start of the save ${describeTimes(times.visibleFromStart)}; ` +
      `${times.perSecond.toFixed(0)} saves/s done; beside it p95 of a bare UPDATE ${update} ms, of a bare PUT ${put} ms, of a save ${save} ms`,
  };
}
