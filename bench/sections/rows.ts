import { insertBareRows, makeBareTables, type CommitMode } from "../bare-insert.ts";
import { describeRate, interleave, speedAgainst, type Arm, type Samples } from "../measure.ts";
import { productImport, withFreshDatabase } from "../product-arms.ts";
import type { Figure } from "../report.ts";
import type { Bench, Section } from "../section.ts";

const SECTION = "rows";
const BUCKET = "rows";
const ROWS = 100_000;

/** Import of one JSONL file against a bare multi-row insert of its lines. */
export const rowsSection: Section = {
  name: SECTION,
  about: "JSONL rows against a bare multi-row insert of the same rows",
  async measure(bench) {
    const rows = makeRows(Math.ceil(ROWS * bench.scale));
    await bench.s3.send({
      kind: "object",
      bucket: BUCKET,
      key: "rows.jsonl",
      body: rows.join("\n"),
    });
    const product = { bucket: BUCKET, useBlobUrls: false, tasks: rows.length, resync: false };
    const arms = [
      productImport(bench, product),
      bareRows(bench, rows, "flushed"),
      bareRows(bench, rows, "unflushed"),
    ];
    const { repetitions, cluster, say } = bench;
    const samples = await interleave(arms, { repetitions, postgresPid: cluster.pid, say });
    return [
      toFigure(samples, "flushed insert", rows.length),
      toFigure(samples, "unflushed insert", rows.length),
    ];
  },
};

function toFigure(samples: Samples, reference: string, count: number): Figure {
  return {
    section: SECTION,
    what: `import / ${reference}`,
    figure: speedAgainst(samples, "import", reference).toFixed(2),
    detail: `${describeRate(samples, "import", count)}; ${describeRate(samples, reference, count)}`,
  };
}

function bareRows(bench: Bench, rows: readonly string[], mode: CommitMode): Arm {
  return (clock) =>
    withFreshDatabase(bench, async ({ adminUrl }) => {
      await makeBareTables(adminUrl);
      await clock(`${mode} insert`, () => insertBareRows(adminUrl, rows, mode));
    });
}

/** About 200 bytes each. */
function makeRows(count: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    JSON.stringify({
      image: `s3://pictures/datasets/train/img_${String(index).padStart(9, "0")}.jpg`,
      caption: `picture number ${String(index)} of a street with people, cars and a dog`,
      index,
      meta: { width: 640, height: 480, split: "train" },
    }),
  );
}
