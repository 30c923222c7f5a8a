import type { RunRef, TargetRef } from "@bucketbridge/sync";

/** A run that needs somebody. */
export interface SweepFinding {
  /** scan: a unit is free. load: objects are due. finish: nothing is left to do. promote: it waits and none is active. */
  readonly kind: "scan" | "load" | "finish" | "promote";
  readonly organizationId: number;
  readonly runId: number;
  readonly storageId: number;
}

/** Looks after runs that nobody works on. */
export interface SweepStore {
  /** What needs somebody now, over all organisations; undefined while another worker sweeps. */
  sweep(): Promise<readonly SweepFinding[] | undefined>;
  /** Starts the waiting run of a storage without an active one. Undefined: there is nothing to start. */
  promote(storage: {
    readonly organizationId: number;
    readonly storageId: number;
  }): Promise<number | undefined>;
}

/** What people read about a run on the board. */
export interface RunCard extends TargetCard {
  readonly storageId: number;
  readonly direction: "source" | "target";
  /** Number of the run in its storage. */
  readonly number: number;
}

/** What people read about a target on the board. */
export interface TargetCard {
  readonly provider: string;
  readonly title: string | null;
}

/** Finds cards; undefined for what is gone. */
export interface Cards {
  describe(run: RunRef): Promise<RunCard | undefined>;
  describeTarget(target: TargetRef): Promise<TargetCard | undefined>;
}

/** A target that needs somebody: deliveries are due (`runId` null), or a run of it has no worker. */
export interface TargetFinding extends TargetRef, TargetCard {
  readonly runId: number | null;
  readonly number: number | null;
}

/** Looks after targets that nobody works on. */
export interface TargetSweepStore {
  /** What needs somebody now, over all organisations; undefined while another worker looks. */
  sweepTargets(): Promise<readonly TargetFinding[] | undefined>;
}

/** Numbers by which the jobs of organisations are served, lowest first (docs/adr/0012). */
export interface TurnNumbers {
  /** The next number of an organisation, 1 at least. `served`: the number of the turn that has just ended, 0 for a new job. */
  draw(turn: { readonly organizationId: number; readonly served: number }): Promise<number>;
}

/** Work that waits, over all organisations. Counts are cut at bounds that keep the question cheap. */
export interface WorkCounts {
  readonly activeRuns: number;
  readonly openUnits: number;
  readonly pendingObjects: number;
  readonly dueDeliveries: number;
}

/** Counts the work that waits. */
export interface WorkStore {
  countWork(): Promise<WorkCounts>;
}

/** A run as its job shows it. */
export interface RunView {
  readonly number: number;
  readonly state:
    | "waiting"
    | "queued"
    | "running"
    | "completed"
    | "completed_with_errors"
    | "failed"
    | "canceled";
  readonly phase: "waiting" | "queued" | "listing" | "loading" | "final";
  readonly listed: number;
  readonly created: number;
  readonly known: number;
  readonly failed: number;
  readonly pending: number;
  readonly tasks: number;
  readonly errorCode: string | null;
  readonly errorReason: string | null;
  readonly errorMessage: string | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** Reads a run with its counts; undefined for one that is gone. */
export interface RunViews {
  find(organizationId: number, runId: number): Promise<RunView | undefined>;
}
