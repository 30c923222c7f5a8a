import { assertCount } from "../bare-listing.ts";
import { atMost, type Figure } from "../report.ts";
import type { Bench, Section } from "../section.ts";
import { withWorkers } from "../worker-world.ts";

const SECTION = "memory";
const SIZES = [10_000, 100_000, 1_000_000] as const;
const GROWTH_CEILING = 1.15;
const MEGABYTE = 1024 * 1024;
const PEAK_CEILING_MB = 300;

/** Most memory that a worker process held while it imported ever more objects. */
export const memorySection: Section = {
  name: SECTION,
  about: "peak memory of a worker process at 10⁴, 10⁵ and 10⁶ objects",
  async measure(bench) {
    const peaks: number[] = [];
    for (const size of SIZES) peaks.push(await measurePeak(bench, Math.ceil(size * bench.scale)));
    return toFigures(peaks, bench.scale);
  },
};

/** A worker of its own for each size: a process keeps what it once had. */
async function measurePeak(bench: Bench, count: number): Promise<number> {
  const bucket = `memory-${String(count)}`;
  await bench.s3.send({ kind: "listing", bucket, count });
  let peak = 0;
  await withWorkers(bench, 1, async ({ database, workers, sync }) => {
    const startedMs = performance.now();
    await sync(await database.addSource(bench.s3.source(bucket)));
    assertCount("tasks", await database.count("SELECT count(*) FROM task"), count);
    peak = Math.max(...workers.map(({ peakBytes }) => peakBytes)) / MEGABYTE;
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    bench.say(`${String(count)} objects in ${seconds} s: ${peak.toFixed(0)} MB`);
  });
  await bench.s3.send({ kind: "listing", bucket, count: 0 });
  return peak;
}

function toFigures(peaks: readonly number[], scale: number): Figure[] {
  const largest = peaks.at(-1) ?? Number.NaN;
  const detail = peaks
    .map(
      (peak, index) => `${((SIZES[index] ?? 0) * scale).toExponential(0)}: ${peak.toFixed(0)} MB`,
    )
    .join("; ");
  const growth = largest / (peaks[0] ?? Number.NaN);
  return [
    { section: SECTION, what: "largest / smallest", ...atMost(GROWTH_CEILING, growth), detail },
    {
      section: SECTION,
      what: "largest, MB",
      figure: Math.max(...peaks).toFixed(0),
      goal: `≤ ${String(PEAK_CEILING_MB)}`,
      isMet: Math.max(...peaks) <= PEAK_CEILING_MB,
      detail: "VmHWM of the whole process",
    },
  ];
}
