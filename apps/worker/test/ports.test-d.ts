import type {
  createExportStores,
  createImportStores,
  createRunRepository,
  RunCardRecord,
  SweepFinding as FoundRun,
  TargetCardRecord,
  TargetFinding as FoundTarget,
  WorkCountsRecord,
} from "@bucketbridge/db";
import type {
  BreakerStore,
  ComparisonStore,
  ExportNames,
  DeliveryStore,
  ExportRunStore,
  LoadStore,
  RunStore,
  ScanStore,
  SourceConnections,
} from "@bucketbridge/sync";
import { describe, expectTypeOf, it } from "vitest";
import type { CachedConnections } from "../src/connections.ts";
import type {
  RunCard,
  RunViews,
  SweepFinding,
  TargetCard,
  TargetFinding,
  WorkCounts,
} from "../src/ports.ts";

type ImportStores = ReturnType<typeof createImportStores>;
type ExportStores = ReturnType<typeof createExportStores>;

describe("the database satisfies the ports of the import engine by its shape", () => {
  it("with its scan store", () => {
    expectTypeOf<ImportStores["scans"]>().toExtend<ScanStore>();
  });

  it("with its load store", () => {
    expectTypeOf<ImportStores["loads"]>().toExtend<LoadStore>();
  });

  it("with what targets wrote", () => {
    expectTypeOf<ImportStores["exports"]>().toExtend<ExportNames>();
  });

  it("with its run store", () => {
    expectTypeOf<ImportStores["runs"]>().toExtend<RunStore>();
  });
});

describe("the database satisfies the ports of the export engine by its shape", () => {
  it("with its delivery store", () => {
    expectTypeOf<ExportStores["deliveries"]>().toExtend<DeliveryStore>();
  });

  it("with its breaker", () => {
    expectTypeOf<ExportStores["breaker"]>().toExtend<BreakerStore>();
  });

  it("with its comparisons", () => {
    expectTypeOf<ExportStores["comparisons"]>().toExtend<ComparisonStore>();
  });

  it("with its runs of targets", () => {
    expectTypeOf<ExportStores["runs"]>().toExtend<ExportRunStore>();
  });
});

describe("the worker's own ports are satisfied", () => {
  it("by the run repository", () => {
    expectTypeOf<ReturnType<typeof createRunRepository>>().toExtend<RunViews>();
  });

  it("by the sweeps", () => {
    expectTypeOf<FoundRun>().toExtend<SweepFinding>();
    expectTypeOf<FoundTarget>().toExtend<TargetFinding>();
  });

  it("by the cards and counts of runs", () => {
    expectTypeOf<RunCardRecord>().toExtend<RunCard>();
    expectTypeOf<TargetCardRecord>().toExtend<TargetCard>();
    expectTypeOf<WorkCountsRecord>().toExtend<WorkCounts>();
  });

  it("by the connections", () => {
    expectTypeOf<CachedConnections>().toExtend<SourceConnections>();
  });

  it("and not by anything that lacks a method", () => {
    expectTypeOf<Omit<ScanStore, "restartUnit">>().not.toExtend<ScanStore>();
  });
});
