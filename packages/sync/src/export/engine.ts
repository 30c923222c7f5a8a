import type { Clock, Logger } from "@bucketbridge/core";
import type { ByteBudget } from "../import/byte-budget.ts";
import type {
  BreakerStore,
  ComparisonStore,
  DeliveryStore,
  ExportBell,
  ExportRunStore,
  TargetConnections,
} from "./ports.ts";

/** Figures of the export engine; the defaults stand in `DEFAULT_EXPORT_OPTIONS`. */
export interface ExportOptions {
  /** Puts of one job at once. One claim is of at most twice as many deliveries, and there are two claims at most. */
  readonly parallelPuts: number;
  /** A push job gives its slot back after about this long, so that targets take turns. */
  readonly yieldMs: number;
  /** A put without an answer may still land for this long; the newest is put once more after it. */
  readonly settleSeconds: number;
  readonly leaseSeconds: number;
  /** Subjects that one transaction of "sync all" marks: a save waits for one chunk at most. */
  readonly markChunk: number;
  /** Keys of a listing that are compared at once, in one transaction. */
  readonly comparePage: number;
  /** A run whose target answers nobody for this long ends as failed; its deliveries stay due. */
  readonly outageSeconds: number;
  /** Longest wait between two probes of a target that answers nobody: one that is back is noticed within it. */
  readonly breakerSeconds: number;
}

/** Defaults with their reasons. */
export const DEFAULT_EXPORT_OPTIONS: ExportOptions = {
  // A put takes tens of milliseconds; more than this is throttled by most stores.
  parallelPuts: 16,
  yieldMs: 10_000,
  // Longer than the deadline of a put (30 s), so that a put of unknown fate has landed or is lost.
  settleSeconds: 60,
  leaseSeconds: 45,
  markChunk: 1_000,
  comparePage: 1_000,
  outageSeconds: 120,
  // Half a minute on average for a target that was away for long, and one request a minute for one that never comes back.
  breakerSeconds: 60,
};

/** What the use cases of an export worker need. One per process. */
export interface ExportEngine {
  readonly deliveries: DeliveryStore;
  readonly breaker: BreakerStore;
  readonly runs: ExportRunStore;
  readonly comparisons: ComparisonStore;
  readonly connections: TargetConnections;
  readonly bell: ExportBell;
  /** Shared with the loads of imports, where one process does both. */
  readonly bytes: ByteBudget;
  readonly clock: Clock;
  readonly log: Logger;
  /** Names this process in leases. */
  readonly owner: string;
  readonly options: ExportOptions;
}
