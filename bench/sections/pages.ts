import { AppError } from "@bucketbridge/core";
import { createImportStores } from "@bucketbridge/db";
import type { ScanPage } from "@bucketbridge/sync";
import {
  insertBarePages,
  makeBarePages,
  makeBareTables,
  type BarePage,
  type CommitMode,
} from "../bare-insert.ts";
import type { BenchDatabase } from "../bench-database.ts";
import { describeRate, interleave, speedAgainst, type Arm, type Samples } from "../measure.ts";
import { withFreshDatabase } from "../product-arms.ts";
import type { Figure } from "../report.ts";
import type { Bench, Section } from "../section.ts";

const SECTION = "pages";
const ROWS = 50_000;

/** The page insert by itself, on one connection, against the same rows into two bare tables. */
export const pagesSection: Section = {
  name: SECTION,
  about: "the page insert by itself against a 1,000-row unnest into two bare tables",
  async measure(bench) {
    const count = Math.ceil(ROWS * bench.scale);
    const pages = makeBarePages(count);
    const arms = [
      pageInsert(bench, pages),
      bareInsert(bench, pages, "flushed"),
      bareInsert(bench, pages, "unflushed"),
    ];
    const { repetitions, cluster, say } = bench;
    const samples = await interleave(arms, { repetitions, postgresPid: cluster.pid, say });
    return [
      toFigure(samples, "page insert", "flushed insert", count),
      toFigure(samples, "page insert", "unflushed insert", count),
    ];
  },
};

function toFigure(samples: Samples, name: string, reference: string, count: number): Figure {
  return {
    section: SECTION,
    what: `${name} / ${reference}`,
    figure: speedAgainst(samples, name, reference).toFixed(2),
    detail: `${describeRate(samples, name, count)}; ${describeRate(samples, reference, count)}`,
  };
}

function pageInsert(bench: Bench, pages: readonly BarePage[]): Arm {
  return (clock) =>
    withFreshDatabase(
      bench,
      async (database) => {
        const insert = await openUnit(bench, database);
        await clock("page insert", async () => {
          for (const page of pages) await insert(toScanPage(page));
        });
      },
      { poolSize: 1 },
    );
}

/** A leased unit of a running sync, and what inserts a page of it. */
async function openUnit(
  bench: Bench,
  fresh: BenchDatabase,
): Promise<(page: ScanPage) => Promise<void>> {
  const { database, organizationId } = fresh;
  const storageId = await fresh.addSource(bench.s3.source("pages"));
  const runId = await fresh.requestSync(storageId);
  const { scans } = createImportStores(database);
  const lease = await scans.takeUnit({ organizationId, runId }, "bench");
  if (lease === undefined) throw new AppError({ code: "internal", message: "no unit to take" });
  return async (page) => {
    const references = page.keys.map((key) => `s3://pages/${key}`);
    const outcome = await scans.insertFilesPage(lease, page, { references });
    if (outcome?.created === page.keys.length) return;
    throw new AppError({ code: "internal", message: "a page was not inserted" });
  };
}

function toScanPage({ keys, sizes, etags, modified }: BarePage): ScanPage {
  return {
    keys,
    sizes,
    etags,
    modified,
    failures: keys.map(() => null),
    refused: [],
    cursor: "next",
    endOfUnit: false,
    skipped: 0,
    lastKey: keys.at(-1) ?? null,
    ordered: true,
  };
}

function bareInsert(bench: Bench, pages: readonly BarePage[], mode: CommitMode): Arm {
  return (clock) =>
    withFreshDatabase(bench, async ({ adminUrl }) => {
      await makeBareTables(adminUrl);
      await clock(`${mode} insert`, () => insertBarePages(adminUrl, pages, mode));
    });
}
