import { AnnotationBench, BenchBell } from "../annotation-bench.ts";
import { assertCount } from "../bare-listing.ts";
import { openBarePuts } from "../bare-put.ts";
import { InProcessExporter, PARALLEL_PUTS } from "../in-process-exporter.ts";
import { atOnce } from "../load.ts";
import { describeRate, interleave, speedAgainst, type Arm } from "../measure.ts";
import { withFreshDatabase } from "../product-arms.ts";
import { atLeast, atMost, type Figure } from "../report.ts";
import type { Bench, Section } from "../section.ts";
import { withWorkers } from "../worker-world.ts";

const SECTION = "exports";
/** One repetition of the rate; the whole number goes through a real worker. */
const RATE_ANNOTATIONS = 10_000;
/** A store next door, and one as far away as stores are. */
const PUT_MS = [20, 0] as const;
const SIZES = [10_000, 100_000] as const;
const RATE_FLOOR = 0.8;
const GROWTH_CEILING = 1.15;
const PEAK_CEILING_MB = 300;
const MEGABYTE = 1024 * 1024;

/** A sync of all against a loop of bare puts, and the memory of a worker that does it. */
export const exportsSection: Section = {
  name: SECTION,
  about: "sync of all of 100,000 annotations against bare puts, and the memory of its worker",
  async measure(bench) {
    const figures: Figure[] = [];
    for (const putMs of PUT_MS) {
      await bench.s3.send({ kind: "latency", putMs });
      figures.push(await measureRate(bench, putMs));
    }
    const peaks: number[] = [];
    for (const size of SIZES) peaks.push(await measurePeak(bench, Math.ceil(size * bench.scale)));
    return [...figures, ...toMemoryFigures(peaks, bench.scale)];
  },
};

async function measureRate(bench: Bench, putMs: number): Promise<Figure> {
  const count = Math.ceil(RATE_ANNOTATIONS * bench.scale);
  const arms = [barePuts(bench, count), syncOfAll(bench, count)];
  const { repetitions, cluster, say } = bench;
  const samples = await interleave(arms, { repetitions, postgresPid: cluster.pid, say });
  const speed = speedAgainst(samples, "sync of all", "bare puts");
  return {
    section: SECTION,
    what: `sync of all / bare puts, ${String(PARALLEL_PUTS)} at once, ${String(putMs)} ms a put`,
    ...(putMs > 0 ? atLeast(RATE_FLOOR, speed) : { figure: speed.toFixed(2) }),
    detail: `${describeRate(samples, "sync of all", count)}; ${describeRate(samples, "bare puts", count)}`,
  };
}

function barePuts(bench: Bench, count: number): Arm {
  return async (clock) => {
    await bench.s3.send({ kind: "empty", bucket: "bare" });
    const puts = await openBarePuts(bench.s3, "bare");
    await clock("bare puts", () =>
      atOnce(PARALLEL_PUTS, count, (index) => puts.put(String(index))),
    );
    await puts.close();
  };
}

function syncOfAll(bench: Bench, count: number): Arm {
  return (clock) =>
    withFreshDatabase(bench, async (database) => {
      const annotations = new AnnotationBench(database);
      await annotations.addAnnotations(database.projectId, count);
      const targetId = await annotations.addTarget(database.projectId, bench.s3, SECTION);
      const exporter = new InProcessExporter(database);
      const runId = await annotations.requestSync(targetId);
      await clock("sync of all", () => exporter.finish(database, { targetId, runId }));
      await exporter.close();
      await annotations.assertCompleted(runId);
    });
}

/** A worker of its own for each size: a process keeps what it once had. */
async function measurePeak(bench: Bench, count: number): Promise<number> {
  const bucket = `${SECTION}-${String(count)}`;
  let peak = 0;
  await withWorkers(
    bench,
    1,
    async ({ database, redisUrl, workers }) => {
      const annotations = new AnnotationBench(database);
      await annotations.addAnnotations(database.projectId, count);
      const targetId = await annotations.addTarget(database.projectId, bench.s3, bucket);
      const bell = new BenchBell(database, redisUrl);
      const runId = await annotations.requestSync(targetId);
      const startedMs = performance.now();
      await bell.ringSync(targetId, runId);
      await annotations.waitForEnd(runId);
      const seconds = (performance.now() - startedMs) / 1_000;
      peak = Math.max(...workers.map(({ peakBytes }) => peakBytes)) / MEGABYTE;
      await bell.close();
      const written = new Set((await bench.s3.writes(bucket)).map(({ key }) => key));
      assertCount("objects", written.size, count);
      bench.say(
        `${String(count)} annotations in ${seconds.toFixed(1)} s (${(count / seconds).toFixed(0)}/s): ${peak.toFixed(0)} MB`,
      );
    },
    { group: "export" },
  );
  return peak;
}

function toMemoryFigures(peaks: readonly number[], scale: number): Figure[] {
  const [smallest = Number.NaN, largest = Number.NaN] = peaks;
  const detail = peaks
    .map((peak, index) => `${String((SIZES[index] ?? 0) * scale)}: ${peak.toFixed(0)} MB`)
    .join("; ");
  return [
    {
      section: SECTION,
      what: "memory, largest / smallest",
      ...atMost(GROWTH_CEILING, largest / smallest),
      detail,
    },
    {
      section: SECTION,
      what: "memory, largest in MB",
      figure: Math.max(...peaks).toFixed(0),
      goal: `≤ ${String(PEAK_CEILING_MB)}`,
      isMet: Math.max(...peaks) <= PEAK_CEILING_MB,
      detail: "VmHWM of the whole process",
    },
  ];
}
