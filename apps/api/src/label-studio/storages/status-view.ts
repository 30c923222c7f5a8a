import type { RunState } from "@bucketbridge/contracts";
import { assertNever } from "@bucketbridge/core";
import type { StorageDirection } from "@bucketbridge/storage/providers";
import { toPythonTime, toWireTime } from "@bucketbridge/contracts";

/**
 * A sync or retry as far as the wire's status is a view of it. Counts are sums so far while the run is active. Of a target, `tasks`
 * are the objects that the run wrote.
 */
export interface StatusRun {
  readonly id: number;
  readonly kind: "sync" | "retry";
  readonly state: RunState;
  readonly createdAt: Date;
  readonly queuedAt: Date | null;
  readonly startedAt: Date | null;
  readonly heartbeatAt: Date | null;
  readonly finishedAt: Date | null;
  /** Tasks that this run made. */
  readonly tasks: number;
  /** Tasks that were there already, of the objects that it saw. */
  readonly tasksExisted: number;
  /** Of a target: what the run wanted to be written. */
  readonly listed: number;
  /** Open issues when it ended; of a target, deliveries that failed. */
  readonly failed: number;
  readonly errorMessage: string | null;
}

/** An open issue as a line of the traceback. */
export interface StatusIssue {
  readonly key: string;
  /** -1: the object as a whole. */
  readonly rowIndex: number;
  readonly byteOffset: number | null;
  readonly message: string;
}

/** What the status of one storage is made of. */
export interface StatusSource {
  readonly storageId: number;
  readonly direction: StorageDirection;
  /** The newest sync and the retries after it, oldest first. */
  readonly runs: readonly StatusRun[];
  /** Syncs and retries of the storage that left the waiting state. */
  readonly attempts: number;
  /** The first open issues of `runs`. */
  readonly issues: readonly StatusIssue[];
}

/** The fields of the contract that a client sees as the state of a storage, in no particular order. */
export interface StatusView {
  readonly status:
    "initialized" | "queued" | "in_progress" | "completed" | "completed_with_errors" | "failed";
  readonly last_sync: string | null;
  readonly last_sync_count: number | null;
  readonly last_sync_job: string | null;
  readonly meta: Readonly<Record<string, string | number>>;
  readonly traceback: string | null;
}

const NEVER_SYNCED: StatusView = {
  status: "initialized",
  last_sync: null,
  last_sync_count: null,
  last_sync_job: null,
  meta: {},
  traceback: null,
};

/**
 * The contract's `status`, `last_sync*`, `meta` and `traceback` as a view of the storage's newest sync or retry (design §5). A
 * retry keeps the counts of its sync and adds its own. A run that still waits shows only when nothing else is under way, so
 * that whoever polls after a sync request never takes an older `completed` for its own.
 */
export function runToStatus(source: StatusSource): StatusView {
  const shown = shownRuns(source.runs);
  const run = shown.at(-1);
  if (run === undefined) return NEVER_SYNCED;
  const { attempts, issues, storageId, direction } = source;
  const tasks = shown.reduce((sum, one) => sum + one.tasks, 0);
  const chain: Chain = {
    ...{ run, attempts, issues, tasks },
    total:
      direction === "source"
        ? { tasks_existed: shown[0]?.tasksExisted ?? 0 }
        : { total_annotations: shown[0]?.listed ?? 0 },
    moreAt:
      direction === "source"
        ? `/api/v1/runs/${String(run.id)}/issues`
        : `/api/v1/targets/${String(storageId)}/deliveries?state=failing`,
  };
  return { ...viewOfState(chain), last_sync_job: `run-${String(run.id)}` };
}

interface Chain {
  readonly run: StatusRun;
  readonly attempts: number;
  readonly tasks: number;
  /** The one key of `meta` in which sources and targets differ. */
  readonly total: Readonly<Record<string, number>>;
  readonly issues: readonly StatusIssue[];
  /** Where the lines are that a traceback has no room for. */
  readonly moreAt: string;
}

/** Without runs that were canceled while they waited, and without waiting ones behind a run that is under way. */
function shownRuns(runs: readonly StatusRun[]): readonly StatusRun[] {
  const begun = runs.filter((run) => run.state !== "waiting" && !neverBegan(run));
  const active = begun.some((run) => run.state === "queued" || run.state === "running");
  const waiting = runs.find((run) => run.state === "waiting");
  if (active || waiting === undefined) return begun;
  return waiting.kind === "sync" ? [waiting] : [...begun, waiting];
}

function neverBegan(run: StatusRun): boolean {
  return run.state === "canceled" && run.queuedAt === null && run.startedAt === null;
}

function viewOfState(chain: Chain): Omit<StatusView, "last_sync_job"> {
  switch (chain.run.state) {
    case "waiting":
    case "queued":
      return { ...idle, status: "queued", meta: queuedMeta(chain) };
    case "running":
      return {
        ...idle,
        status: "in_progress",
        last_sync_count: chain.tasks,
        meta: progressMeta(chain),
      };
    case "completed":
      return { ...finished(chain), status: "completed", traceback: null };
    case "completed_with_errors":
      return { ...finished(chain), status: "completed_with_errors", traceback: issueLines(chain) };
    case "failed":
      return {
        ...idle,
        status: "failed",
        meta: failureMeta(chain),
        traceback: failureText(chain.run, "the sync failed"),
      };
    case "canceled":
      return {
        ...idle,
        status: "failed",
        meta: failureMeta(chain),
        traceback: failureText(chain.run, "the sync was canceled"),
      };
    default:
      return assertNever(chain.run.state);
  }
}

const idle = { last_sync: null, last_sync_count: null, traceback: null } as const;

function finished(chain: Chain): Pick<StatusView, "last_sync" | "last_sync_count" | "meta"> {
  const { run } = chain;
  const errors =
    run.state === "completed_with_errors" ? { tasks_failed_validation: run.failed } : {};
  return {
    last_sync: run.finishedAt === null ? null : toWireTime(run.finishedAt),
    last_sync_count: chain.tasks,
    meta: {
      ...startedMeta(chain),
      ...(run.finishedAt === null ? {} : { time_completed: toPythonTime(run.finishedAt) }),
      duration: secondsBetween(run.startedAt, run.finishedAt),
      ...errors,
      ...chain.total,
    },
  };
}

function queuedMeta({ run, attempts }: Chain): StatusView["meta"] {
  return { attempts, time_queued: toPythonTime(run.queuedAt ?? run.createdAt) };
}

function startedMeta(chain: Chain): StatusView["meta"] {
  const { startedAt, heartbeatAt } = chain.run;
  if (startedAt === null) return queuedMeta(chain);
  return {
    ...queuedMeta(chain),
    time_in_progress: toPythonTime(startedAt),
    time_last_ping: toPythonTime(heartbeatAt ?? startedAt),
  };
}

function progressMeta(chain: Chain): StatusView["meta"] {
  const { startedAt, heartbeatAt } = chain.run;
  const duration = secondsBetween(startedAt, heartbeatAt ?? startedAt);
  return { ...startedMeta(chain), duration, ...chain.total };
}

function failureMeta(chain: Chain): StatusView["meta"] {
  const { finishedAt } = chain.run;
  return {
    ...startedMeta(chain),
    ...(finishedAt === null ? {} : { time_failure: toPythonTime(finishedAt) }),
    duration: 0,
  };
}

function failureText(run: StatusRun, fallback: string): string {
  return run.errorMessage ?? fallback;
}

function issueLines({ run, issues, moreAt }: Chain): string {
  const lines = issues.map(issueLine);
  const hidden = run.failed - lines.length;
  if (hidden > 0) lines.push(`${String(hidden)} more: GET ${moreAt}`);
  return lines.join("\n");
}

/** One line, with the key and the place in it unless the message names the key itself. */
function issueLine({ key, rowIndex, byteOffset, message }: StatusIssue): string {
  const place = [
    ...(rowIndex >= 0 ? [`row ${String(rowIndex)}`] : []),
    ...(byteOffset === null ? [] : [`byte ${String(byteOffset)}`]),
  ];
  const where = place.length === 0 ? "" : ` (${place.join(", ")})`;
  const text = message.includes(key) ? `${message}${where}` : `${key}${where}: ${message}`;
  return text.replaceAll(/[\r\n]+/g, " ");
}

function secondsBetween(from: Date | null, to: Date | null): number {
  if (from === null || to === null) return 0;
  return Math.max(0, to.getTime() - from.getTime()) / 1_000;
}
