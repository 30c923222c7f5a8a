import { assertCount } from "../bare-listing.ts";
import { interleave, median, medianOf, speedAgainst, type Arm } from "../measure.ts";
import { atLeast, atMost, type Figure } from "../report.ts";
import type { Bench, Section } from "../section.ts";
import { withWorkers } from "../worker-world.ts";

const SECTION = "replicas";
const BUCKET = "replicas";
const FILES = 2_000;
const FILE_BYTES = 1_000_000;
const SHARE_FLOOR = 0.3;
const WALL_CEILING = 0.7;
/** A pair of runs takes minutes. */
const MAX_REPETITIONS = 3;

/** Two worker processes on one tasks import: how evenly they share it, and how much sooner it ends than with one. */
export const replicasSection: Section = {
  name: SECTION,
  about: "two workers share one tasks import of 2,000 files of 1 MB",
  async measure(bench) {
    const count = Math.ceil(FILES * bench.scale);
    await bench.s3.send({ kind: "copies", bucket: BUCKET, count, body: makeDocument() });
    const shares: number[] = [];
    const arms = [replicas(bench, 1, { count, shares }), replicas(bench, 2, { count, shares })];
    const { cluster, say } = bench;
    const repetitions = Math.min(bench.repetitions, MAX_REPETITIONS);
    const samples = await interleave(arms, { repetitions, postgresPid: cluster.pid, say });
    const wall = 1 / speedAgainst(samples, "2 workers", "1 worker");
    const seconds = (name: string): string => (medianOf(samples, name) / 1_000).toFixed(1);
    const figures: Figure[] = [
      {
        section: SECTION,
        what: "smaller share of two",
        ...atLeast(SHARE_FLOOR, Math.min(...shares)),
        detail: `worst of ${String(shares.length)}, median ${median(shares).toFixed(2)}`,
      },
      {
        section: SECTION,
        what: "wall of two / one",
        ...atMost(WALL_CEILING, wall),
        detail: `${seconds("2 workers")} s / ${seconds("1 worker")} s; the goal is for a machine with a core to spare`,
      },
    ];
    return figures;
  },
};

function replicas(
  bench: Bench,
  workerCount: number,
  { count, shares }: { readonly count: number; readonly shares: number[] },
): Arm {
  return (clock) =>
    withWorkers(bench, workerCount, async ({ database, workers, sync }) => {
      const source = { ...bench.s3.source(BUCKET), useBlobUrls: false };
      const storageId = await database.addSource(source);
      const name = workerCount === 1 ? "1 worker" : `${String(workerCount)} workers`;
      await clock(name, () => sync(storageId));
      assertCount("tasks", await database.count("SELECT count(*) FROM task"), count);
      if (workerCount === 1) return;
      const rows = await Promise.all(workers.map((worker) => worker.committedRows()));
      shares.push(Math.min(...rows) / count);
      bench.say(`shares: ${rows.join(" + ")} rows`);
    });
}

/** One task in one object, as the guides of the tasks method have it: a long text. */
function makeDocument(): string {
  let text = "";
  for (let index = 0; text.length < FILE_BYTES; index++) {
    text += `Line ${String(index)}: speaker ${String((index * 7) % 5)} says word ${String((index * 7_919) % 9_973)} again. `;
  }
  return JSON.stringify({ data: { text } });
}
