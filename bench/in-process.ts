import { AppError, IN_FLIGHT_BYTES, silentLogger, systemClock } from "@bucketbridge/core";
import {
  createImportStores,
  createOrganizationRepository,
  createRunRepository,
} from "@bucketbridge/db";
import { createEgress, type Egress } from "@bucketbridge/storage/egress";
import {
  loadProvider,
  type ProviderDeps,
  type StorageContext,
} from "@bucketbridge/storage/providers";
import {
  ByteBudget,
  DEFAULT_ENGINE_OPTIONS,
  runImport,
  type ImportEngine,
} from "@bucketbridge/sync";
import { CachedConnections } from "../apps/worker/src/connections.ts";
import type { BenchDatabase } from "./bench-database.ts";

/** The import engine of a worker without its queue: one run is worked on to its end, nobody is rung. */
export class InProcessWorker {
  readonly engine: ImportEngine;
  readonly #connections: CachedConnections;
  readonly #egress: Egress;

  constructor({ database }: BenchDatabase) {
    this.#egress = openEgress();
    this.#connections = new CachedConnections({
      loadProvider,
      provider: providerDeps(this.#egress),
      organizations: createOrganizationRepository(database),
      log: silentLogger,
    });
    this.engine = {
      ...createImportStores(database),
      connections: this.#connections,
      bell: { ringRun: () => undefined, ringLoad: () => undefined },
      bytes: new ByteBudget(IN_FLIGHT_BYTES),
      clock: systemClock,
      log: silentLogger,
      owner: "bench",
      options: DEFAULT_ENGINE_OPTIONS,
    };
  }

  /** Works on a run until it is final. Rejects when it did not complete. */
  async finish(bench: BenchDatabase, runId: number): Promise<void> {
    const { organizationId, database } = bench;
    const { signal } = new AbortController();
    for (;;) {
      const turn = await runImport(this.engine, { organizationId, runId }, signal);
      if (turn.kind === "final") break;
    }
    const run = await createRunRepository(database).find(organizationId, runId);
    if (run?.state === "completed") return;
    throw new AppError({
      code: "internal",
      message: `the run ended as ${run?.state ?? "nothing"}: ${run?.errorMessage ?? ""}`,
    });
  }

  async close(): Promise<void> {
    await this.#connections.close();
    await this.#egress.close();
  }
}

/** The benchmark's servers listen on the loopback address. */
export function openEgress(): Egress {
  return createEgress({ allow: ["loopback"], denied: [] });
}

/** What a provider is opened with. */
export function providerDeps(egress: Egress): ProviderDeps {
  return {
    egress,
    log: silentLogger,
    localFiles: { documentRoot: undefined, servingEnabled: false },
    ambient: {},
    platform: { egress, aws: {}, gcp: {}, azure: {} },
  };
}

/** The only organisation of an installation, on the whole bucket. */
export const BENCH_CONTEXT: StorageContext = {
  organizationId: 1,
  organizationExternalId: "bench",
  isOnlyOrganization: true,
  storageId: undefined,
  direction: "source",
  prefix: "",
};
