import type { Database } from "../client.ts";
import { loadStatements, type Statements } from "../statements.ts";
import { BreakerStore } from "./breaker-store.ts";
import { ComparisonStore } from "./comparison-store.ts";
import { DeliveryStore, type ExportStoreDeps } from "./delivery-store.ts";
import { ExportRunStore } from "./export-run-store.ts";

/** The stores of the export engine; they satisfy the ports of `@bucketbridge/sync` by their shape. */
export interface ExportStores {
  readonly deliveries: DeliveryStore;
  readonly breaker: BreakerStore;
  readonly runs: ExportRunStore;
  readonly comparisons: ComparisonStore;
}

/** Times of the engine that tests shorten, and a listener for the lag of deliveries. */
export type ExportStoreOptions = Partial<Omit<ExportStoreDeps, "database" | "statements">> & {
  readonly statements?: Statements;
};

/** Makes the stores over one database; one set per process. */
export function createExportStores(
  database: Database,
  { statements = loadStatements(), ...options }: ExportStoreOptions = {},
): ExportStores {
  const deps = { database, statements, ...options };
  return {
    deliveries: new DeliveryStore(deps),
    breaker: new BreakerStore(deps),
    runs: new ExportRunStore(deps),
    comparisons: new ComparisonStore(deps),
  };
}
