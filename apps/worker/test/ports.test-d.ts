import type {
  createImportStores,
  createRunRepository,
  RunCardRecord,
  SweepFinding as FoundRun,
  WorkCountsRecord,
} from "@bucketbridge/db";
import type { LoadStore, RunStore, ScanStore, SourceConnections } from "@bucketbridge/sync";
import { describe, expectTypeOf, it } from "vitest";
import type { CachedConnections } from "../src/connections.ts";
import type { RunCard, RunViews, SweepFinding, WorkCounts } from "../src/ports.ts";

type ImportStores = ReturnType<typeof createImportStores>;

describe("the database satisfies the ports of the import engine by its shape", () => {
  it("with its scan store", () => {
    expectTypeOf<ImportStores["scans"]>().toExtend<ScanStore>();
  });

  it("with its load store", () => {
    expectTypeOf<ImportStores["loads"]>().toExtend<LoadStore>();
  });

  it("with its run store", () => {
    expectTypeOf<ImportStores["runs"]>().toExtend<RunStore>();
  });
});

describe("the worker's own ports are satisfied", () => {
  it("by the run repository", () => {
    expectTypeOf<ReturnType<typeof createRunRepository>>().toExtend<RunViews>();
  });

  it("by the sweep", () => {
    expectTypeOf<FoundRun>().toExtend<SweepFinding>();
  });

  it("by the cards and counts of runs", () => {
    expectTypeOf<RunCardRecord>().toExtend<RunCard>();
    expectTypeOf<WorkCountsRecord>().toExtend<WorkCounts>();
  });

  it("by the connections", () => {
    expectTypeOf<CachedConnections>().toExtend<SourceConnections>();
  });

  it("and not by anything that lacks a method", () => {
    expectTypeOf<Omit<ScanStore, "restartUnit">>().not.toExtend<ScanStore>();
  });
});
