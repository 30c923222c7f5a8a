import { insertBarePages, makeBarePages, makeBareTables, type CommitMode } from "../bare-insert.ts";
import { assertCount, openOwnClient, openStockClient, type BareListing } from "../bare-listing.ts";
import { describeRate, interleave, speedAgainst, type Arm, type Samples } from "../measure.ts";
import { productImport, withFreshDatabase } from "../product-arms.ts";
import { atLeast, type Figure } from "../report.ts";
import type { Bench, Section } from "../section.ts";

const SECTION = "files";
const BUCKET = "files";
const OBJECTS = 100_000;

/** A store in the same room, and one over the internet. */
const PAGE_MS = [0, 60] as const;

const IMPORT_FLOOR = 0.8;
const RESYNC_FLOOR = 0.9;
const INSERT_FLOOR = 0.5;

/** Files import and no-op re-sync against a bare listing of the same bucket, and against bare inserts of the same rows. */
export const filesSection: Section = {
  name: SECTION,
  about: "files import and re-sync against a bare listing, and against bare inserts",
  async measure(bench) {
    const count = Math.ceil(OBJECTS * bench.scale);
    await bench.s3.send({ kind: "listing", bucket: BUCKET, count });
    const figures: Figure[] = [];
    for (const listMs of PAGE_MS) {
      await bench.s3.send({ kind: "latency", listMs });
      const samples = await measureLatency(bench, count, listMs);
      figures.push(...toFigures(samples, count, listMs));
    }
    await bench.s3.send({ kind: "latency", listMs: 0 });
    return figures;
  },
};

async function measureLatency(bench: Bench, count: number, listMs: number): Promise<Samples> {
  const own = await openOwnClient(bench.s3, BUCKET);
  const stock = await openStockClient(bench.s3, BUCKET);
  const product = { bucket: BUCKET, useBlobUrls: true, tasks: count, resync: true };
  const arms = [
    bareListing("listing", own.list, count),
    bareListing("stock listing", stock.list, count),
    productImport(bench, product),
    ...(listMs > 0
      ? []
      : [bareInsert(bench, count, "flushed"), bareInsert(bench, count, "unflushed")]),
  ];
  try {
    const { repetitions, cluster, say } = bench;
    return await interleave(arms, { repetitions, postgresPid: cluster.pid, say });
  } finally {
    await own.close();
    await stock.close();
  }
}

function bareListing(name: string, list: BareListing, count: number): Arm {
  return async (clock) => {
    assertCount(name, await clock(name, list), count);
  };
}

function bareInsert(bench: Bench, count: number, mode: CommitMode): Arm {
  return (clock) =>
    withFreshDatabase(bench, async ({ adminUrl }) => {
      await makeBareTables(adminUrl);
      const pages = makeBarePages(count);
      await clock(`${mode} insert`, () => insertBarePages(adminUrl, pages, mode));
    });
}

function toFigures(samples: Samples, count: number, listMs: number): Figure[] {
  const at = `at ${String(listMs)} ms a page`;
  const versus = (name: string, reference: string, floor?: number): Figure => {
    const speed = speedAgainst(samples, name, reference);
    return {
      section: SECTION,
      what: `${name} / ${reference}, ${at}`,
      ...(floor === undefined ? { figure: speed.toFixed(2) } : atLeast(floor, speed)),
      detail: `${describeRate(samples, name, count)}; ${describeRate(samples, reference, count)}`,
    };
  };
  const floors = listMs > 0;
  return [
    versus("import", "listing", floors ? IMPORT_FLOOR : undefined),
    versus("re-sync", "listing", floors ? RESYNC_FLOOR : undefined),
    versus("import", "stock listing"),
    versus("re-sync", "stock listing"),
    ...(floors
      ? []
      : [versus("import", "flushed insert", INSERT_FLOOR), versus("import", "unflushed insert")]),
  ];
}
