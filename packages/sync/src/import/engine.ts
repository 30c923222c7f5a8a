import { MAX_OBJECT_BYTES, type Clock, type Logger } from "@bucketbridge/core";
import { DEFAULT_READ_LIMITS, type ReadLimits } from "../formats/index.ts";
import type { ByteBudget } from "./byte-budget.ts";
import type {
  Bell,
  ExportNames,
  LoadStore,
  RunStore,
  ScanStore,
  SourceConnections,
} from "./ports.ts";

/** Figures of the engine that an operator or a test may change; the defaults stand in `DEFAULT_ENGINE_OPTIONS`. */
export interface EngineOptions {
  /** A run gives its slot back after about this long. */
  readonly yieldMs: number;
  /** A store that answers nobody for this long ends the run as failed. */
  readonly outageMs: number;
  /** Load slots of one run, over all workers. */
  readonly loadSlots: number;
  /** Objects that one slot loads at once. */
  readonly parallelLoads: number;
  readonly leaseSeconds: number;
  /** Largest task file; a larger one is an issue `object_too_large`. */
  readonly maxObjectBytes: number;
  /** Bounds of what is read out of task files. */
  readonly readLimits: ReadLimits;
  /** Keys of one listing page. */
  readonly pageSize: number;
}

/** Defaults with their reasons. */
export const DEFAULT_ENGINE_OPTIONS: EngineOptions = {
  // About ten pages of a slow store: runs take turns, and one turn is worth the hand-over (design §6).
  yieldMs: 10_000,
  // Longer than a restart of a store, short enough that nobody waits for a wrong endpoint.
  outageMs: 60_000,
  // Two workers of two slots each share a run; more wait on the database.
  loadSlots: 4,
  // Small objects are bound by round trips, so several are on their way at once.
  parallelLoads: 8,
  leaseSeconds: 45,
  maxObjectBytes: MAX_OBJECT_BYTES,
  readLimits: DEFAULT_READ_LIMITS,
  pageSize: 1_000,
};

/** What the use cases of an import worker need. One per process. */
export interface ImportEngine {
  readonly runs: RunStore;
  readonly scans: ScanStore;
  readonly loads: LoadStore;
  readonly connections: SourceConnections;
  readonly exports: ExportNames;
  readonly bell: Bell;
  readonly bytes: ByteBudget;
  readonly clock: Clock;
  readonly log: Logger;
  /** Names this process in leases. */
  readonly owner: string;
  readonly options: EngineOptions;
}

/** What a job's turn came to: the run is final, or the job wants another turn after `delayMs`. */
export type TurnOutcome =
  { readonly kind: "final" } | { readonly kind: "yield"; readonly delayMs: number };
