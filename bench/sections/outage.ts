import { tmpdir } from "node:os";
import path from "node:path";
import { Secret } from "@bucketbridge/core";
import { WorkerFleet } from "../../apps/worker/test/worker-fleet.ts";
import { AnnotationBench, BenchBell } from "../annotation-bench.ts";
import type { BenchDatabase } from "../bench-database.ts";
import { atRate, percentile } from "../load.ts";
import { withFreshDatabase } from "../product-arms.ts";
import { atMost, type Figure } from "../report.ts";
import type { Bench, Section } from "../section.ts";
import { hasRedis, withQueue } from "../worker-world.ts";

const SECTION = "outage";
const BUCKET = "outage";
const PUT_MS = 20;
const ANNOTATIONS = 5_000;
const SAVES_PER_SECOND = 50;
/** Ten minutes and the waits of a production worker, a tenth of each. */
const OUTAGE_SECONDS = 60;
const TIMING = { leaseSeconds: 4.5, settleSeconds: 6, breakerSeconds: 6, yieldMs: 1_000 };
/** Nothing is old here. */
const RETENTION = {
  solvedIssueDays: 30,
  runsPerStorage: 200,
  tombstoneDays: 30,
  receiptDays: 7,
  oldPlaceDays: 30,
  auditDays: 30,
};
const QUIET_SECONDS = 30;
const SAVE_CEILING = 1.2;
const DRAIN_CEILING = 2;

/** A target that is away under load: what it costs the saves, and how soon it has everything afterwards. */
export const outageSection: Section = {
  name: SECTION,
  about: "a target that is away under load: saves meanwhile, and the time to catch up",
  async measure(bench) {
    let figures: readonly Figure[] = [];
    await withQueue(hasRedis() ? "redis" : "postgres", (redisUrl) =>
      withFreshDatabase(bench, async (database) => {
        const fleet = new WorkerFleet(toSettings(bench, database, redisUrl));
        const bell = new BenchBell(database, redisUrl);
        try {
          await fleet.start(1);
          figures = await new Outage(bench, database, bell).measure();
        } finally {
          await fleet.stop();
          await bell.close();
        }
      }),
    );
    return figures;
  },
};

class Outage {
  readonly #bench: Bench;
  readonly #database: BenchDatabase;
  readonly #bell: BenchBell;
  readonly #annotations: AnnotationBench;
  #note = 0;

  constructor(bench: Bench, database: BenchDatabase, bell: BenchBell) {
    this.#bench = bench;
    this.#database = database;
    this.#bell = bell;
    this.#annotations = new AnnotationBench(database);
  }

  async measure(): Promise<readonly Figure[]> {
    const { s3, scale, say } = this.#bench;
    const { projectId } = this.#database;
    await s3.send({ kind: "latency", putMs: PUT_MS });
    const ids = await this.#annotations.addAnnotations(projectId, Math.ceil(ANNOTATIONS * scale));
    const targetId = await this.#annotations.addTarget(projectId, s3, BUCKET);
    const perSecond = await this.#measureRate(targetId, ids.length);
    const before = await this.#saveFor(QUIET_SECONDS * scale, ids);
    await s3.send({ kind: "outage", isDown: true });
    const during = await this.#saveFor(OUTAGE_SECONDS * scale, ids);
    await s3.send({ kind: "outage", isDown: false });
    const backlog = await this.#annotations.backlog(targetId);
    say(`back after ${String(OUTAGE_SECONDS * scale)} s with a backlog of ${String(backlog)}`);
    const seconds = await this.#drain(targetId, ids);
    await this.#annotations.waitForRest(targetId);
    await s3.send({ kind: "latency" });
    return this.#toFigures({ before, during, backlog, seconds, perSecond });
  }

  /** Objects per second of a sync of all, by the same worker. */
  async #measureRate(targetId: number, count: number): Promise<number> {
    const runId = await this.#annotations.requestSync(targetId);
    const startedMs = performance.now();
    await this.#bell.ringSync(targetId, runId);
    await this.#annotations.waitForEnd(runId);
    return count / ((performance.now() - startedMs) / 1_000);
  }

  /** Milliseconds of each save. */
  async #saveFor(seconds: number, ids: readonly number[]): Promise<readonly number[]> {
    const times: number[] = [];
    await atRate(SAVES_PER_SECOND, seconds, async () => {
      const note = ++this.#note;
      const startedMs = performance.now();
      const annotationId = ids[note % ids.length] ?? 0;
      const targets = await this.#annotations.save(
        this.#database.projectId,
        annotationId,
        String(note),
      );
      times.push(performance.now() - startedMs);
      this.#bell.ringPush(targets);
    });
    return times;
  }

  /** Seconds until nothing that was wanted by now is missing, while people go on saving. */
  async #drain(targetId: number, ids: readonly number[]): Promise<number> {
    const startedMs = performance.now();
    const healedAt = new Date().toISOString();
    const drained = new AbortController();
    const watching = this.#annotations.waitForBacklog(targetId, healedAt).then(() => {
      drained.abort();
      return (performance.now() - startedMs) / 1_000;
    });
    while (!drained.signal.aborted) await this.#saveFor(1, ids);
    return watching;
  }

  async #toFigures(run: {
    readonly before: readonly number[];
    readonly during: readonly number[];
    readonly backlog: number;
    readonly seconds: number;
    readonly perSecond: number;
  }): Promise<readonly Figure[]> {
    const [before, during] = [percentile(run.before, 0.95), percentile(run.during, 0.95)];
    const expected = run.backlog / run.perSecond;
    const returns = countReturns(await this.#bench.s3.writes(BUCKET));
    return [
      {
        section: SECTION,
        what: "p95 of saves during / before",
        ...atMost(SAVE_CEILING, during / before),
        detail: `${during.toFixed(1)} / ${before.toFixed(1)} ms at ${String(SAVES_PER_SECOND)} saves/s`,
      },
      {
        section: SECTION,
        what: "time to catch up / (backlog / export rate)",
        ...atMost(DRAIN_CEILING, run.seconds / expected),
        detail: `${run.seconds.toFixed(1)} s for ${String(run.backlog)} at ${run.perSecond.toFixed(0)}/s, the wait for the next probe included`,
      },
      {
        section: SECTION,
        what: "objects that went back to an older revision",
        figure: String(returns),
        goal: "0",
        isMet: returns === 0,
        detail: "by the log of the store",
      },
    ];
  }
}

/** Notes only rise, so a lower one after a higher one of the same key is an older revision. */
function countReturns(writes: readonly { readonly key: string; readonly note: string }[]): number {
  const newest = new Map<string, number>();
  let returns = 0;
  for (const { key, note } of writes) {
    const known = newest.get(key) ?? 0;
    if (Number(note) < known) returns++;
    else newest.set(key, Number(note));
  }
  return returns;
}

function toSettings(
  bench: Bench,
  database: BenchDatabase,
  redisUrl: string | undefined,
): ConstructorParameters<typeof WorkerFleet>[0] {
  return {
    version: "bench",
    groups: ["export"],
    concurrency: 4,
    health: { host: "127.0.0.1", port: 0 },
    logLevel: "error",
    database: { url: new Secret(database.url), poolSize: 10 },
    redisUrl: redisUrl === undefined ? undefined : new Secret(redisUrl),
    secretKeys: new Secret(bench.cluster.secretKeys),
    egressAllow: ["loopback"],
    localFiles: { documentRoot: undefined, servingEnabled: false },
    ambient: {},
    persistence: { type: "local", prefix: "", folder: path.join(tmpdir(), "bucketbridge-bench") },
    inFlightBytes: 64 * 1024 * 1024,
    engine: {},
    exporting: TIMING,
    retention: RETENTION,
    lockMs: 6_000,
    stalledIntervalMs: 500,
  };
}
