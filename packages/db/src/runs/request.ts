import type { Database } from "../client.ts";
import type { RunStateValue } from "../import/records.ts";
import { loadStatements, runStatement, type Statements } from "../statements.ts";
import {
  finishExportLocked,
  finishLocked,
  lockStorage,
  lockStorageOfRun,
  promoteWaiting,
} from "./transitions.ts";

/** Whoever cancels a run of a target judges nothing but that: limits that no target reaches. */
const NOT_AT_ONCE = [1e9, 1e9] as const;

/** A run that is asked for. */
export interface RunRequest {
  readonly organizationId: number;
  readonly storageId: number;
  readonly kind: "sync" | "dry_run" | "retry" | "reconcile";
  /** What asked: "api", "schedule", "standalone" … */
  readonly trigger: string;
  readonly actorId: number | null;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** The run that answers a request. */
export interface RequestedRun {
  readonly runId: number;
  readonly number: number;
  /** False: a run of this kind was queued or waiting already and will see everything that this one would. */
  readonly created: boolean;
  /** waiting: another run of the storage is active; the end of that one starts it. Else: ring for it. */
  readonly state: RunStateValue;
}

/**
 * Asks for a run: at most one is active and one of each kind waits per storage, whatever the number of callers. Undefined: no
 * such storage in the organisation. Ring after it returned, when the state is not `waiting`.
 */
export async function requestRun(
  database: Database,
  request: RunRequest,
  statements: Statements = loadStatements(),
): Promise<RequestedRun | undefined> {
  const { organizationId, storageId, trigger, kind, actorId, options = {} } = request;
  return database.inOrganization(
    organizationId,
    async (tx) => {
      if (!(await lockStorage(tx, statements, storageId))) return undefined;
      const values = [storageId, trigger, kind, actorId, JSON.stringify(options)];
      const [asked] = await runStatement<AskedRow>(tx, statements["run-ask"], values);
      if (asked === undefined) return undefined;
      const promoted = await promoteWaiting(tx, statements, storageId);
      const state = promoted?.run_id === asked.run_id ? promoted.state : asked.state;
      return { runId: asked.run_id, number: asked.number, created: asked.created, state };
    },
    { op: "db.run.request" },
  );
}

interface AskedRow {
  readonly run_id: number;
  readonly number: number;
  readonly created: boolean;
  readonly state: RunStateValue;
}

/** What canceling did. */
export interface CancelOutcome {
  /** canceled: over at once. queued, running: a worker stops at its next page or batch, the sweep ends what nobody holds. */
  readonly state: RunStateValue;
  /** A run that starts now because this one ended; ring for it. */
  readonly nextRunId: number | null;
}

/**
 * Asks a run to stop; ends it at once when no worker holds anything of it. A run that is over answers with its state.
 * Undefined: no such run in the organisation.
 */
export async function cancelRun(
  database: Database,
  { organizationId, runId }: { readonly organizationId: number; readonly runId: number },
  statements: Statements = loadStatements(),
): Promise<CancelOutcome | undefined> {
  return database.inOrganization(
    organizationId,
    async (tx) => {
      const storageId = await lockStorageOfRun(tx, statements, runId);
      if (storageId === undefined) return undefined;
      const [asked] = await runStatement<{ state: RunStateValue }>(tx, statements["run-cancel"], [
        runId,
      ]);
      if (asked === undefined) {
        const { state } = await tx.run.findUniqueOrThrow({
          where: { id: runId },
          select: { state: true },
        });
        return { state: state as RunStateValue, nextRunId: null };
      }
      const ended =
        (await finishLocked(tx, statements, runId)) ??
        (await finishExportLocked(tx, statements, runId, { limits: NOT_AT_ONCE }));
      const next = await promoteWaiting(tx, statements, storageId);
      return { state: ended ?? asked.state, nextRunId: next?.run_id ?? null };
    },
    { op: "db.run.cancel" },
  );
}
