import type { Database } from "../client.ts";
import { loadStatements, type Statements } from "../statements.ts";
import { InnerIds } from "./inner-ids.ts";
import { OwnExportsStore } from "./own-exports-store.ts";
import { LoadStore } from "./load-store.ts";
import { RunStore } from "./run-store.ts";
import { ScanStore } from "./scan-store.ts";

/** The stores of the import engine; they satisfy the ports of `@bucketbridge/sync` by their shape. */
export interface ImportStores {
  readonly scans: ScanStore;
  readonly loads: LoadStore;
  readonly runs: RunStore;
  readonly exports: OwnExportsStore;
}

/**
 * Makes the stores over one database. One set per process: they share blocks of inner ids. `innerIds` is given where tasks
 * are made in other ways too; `statements` by tests that cut a guard out, `leaseSeconds` by tests of crashes.
 */
export function createImportStores(
  database: Database,
  options: {
    readonly innerIds?: InnerIds;
    readonly statements?: Statements;
    readonly leaseSeconds?: number | undefined;
  } = {},
): ImportStores {
  const statements = options.statements ?? loadStatements();
  const innerIds = options.innerIds ?? new InnerIds(database, statements);
  const deps = { database, innerIds, statements, leaseSeconds: options.leaseSeconds };
  return {
    scans: new ScanStore(deps),
    loads: new LoadStore(deps),
    runs: new RunStore(deps),
    exports: new OwnExportsStore(database, statements),
  };
}
