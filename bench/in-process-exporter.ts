import { AppError, IN_FLIGHT_BYTES, silentLogger, systemClock } from "@bucketbridge/core";
import { createExportStores, createOrganizationRepository } from "@bucketbridge/db";
import type { Egress } from "@bucketbridge/storage/egress";
import { loadProvider } from "@bucketbridge/storage/providers";
import {
  ByteBudget,
  DEFAULT_EXPORT_OPTIONS,
  runExport,
  type ExportEngine,
} from "@bucketbridge/sync";
import { CachedConnections, CachedTargetConnections } from "../apps/worker/src/connections.ts";
import type { BenchDatabase } from "./bench-database.ts";
import { openEgress, providerDeps } from "./in-process.ts";

/** Puts at once of one job. */
export const PARALLEL_PUTS = DEFAULT_EXPORT_OPTIONS.parallelPuts;

/** The export engine of a worker without its queue: one run is worked on to its end, nobody is rung. */
export class InProcessExporter {
  readonly #engine: ExportEngine;
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
    this.#engine = {
      ...createExportStores(database),
      connections: new CachedTargetConnections(this.#connections),
      bell: { ringPush: () => undefined, ringRun: () => undefined },
      bytes: new ByteBudget(IN_FLIGHT_BYTES),
      clock: systemClock,
      log: silentLogger,
      owner: "bench",
      options: DEFAULT_EXPORT_OPTIONS,
    };
  }

  /** Works on a run of a target until it is final. */
  async finish(
    { organizationId }: BenchDatabase,
    run: { readonly targetId: number; readonly runId: number },
  ): Promise<void> {
    const { signal } = new AbortController();
    for (;;) {
      const turn = await runExport(this.#engine, { organizationId, ...run }, signal);
      if (turn.kind === "final") return;
      if (turn.delayMs > 1_000)
        throw new AppError({ code: "internal", message: "the target answers nobody" });
    }
  }

  async close(): Promise<void> {
    await this.#connections.close();
    await this.#egress.close();
  }
}
