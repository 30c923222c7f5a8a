import { jobs, type JobName } from "@bucketbridge/contracts";
import { AppError, isAppError, type Logger } from "@bucketbridge/core";
import type { Job, JobProgress } from "bullmq";
import { JobReporter } from "./job-reporter.ts";
import { FRESH_PLACE, Yield, type JobContext, type JobProgressView } from "./job-table.ts";
import { decideRetry } from "./retry-mapping.ts";

/** Two versions of the code run at once during a deploy: a newer worker will take the job. */
const UNKNOWN_JOB_DELAY_MS = 5_000;

/** The last progress and log lines of a turn. */
const FLUSH_MS = 1_000;

/** A worker's table without its types: `createWorker` has checked that each name has the handler of its contract. */
export type HandlerTable = Readonly<
  Partial<Record<string, (payload: unknown, context: JobContext) => Promise<unknown>>>
>;

/** How one turn of a job ended. */
export type TurnEnd = "completed" | "failed" | "retried" | "delayed" | "yielded" | "unknown";

/** What the queue shall do with a job after a turn. */
export type TurnResult =
  | { readonly end: "completed"; readonly value: unknown }
  | { readonly end: "failed" | "retried"; readonly text: string }
  | {
      readonly end: "delayed" | "yielded" | "unknown";
      readonly delayMs: number;
      readonly place?: number | undefined;
    };

/** What a turn needs besides its job. */
export interface TurnOptions {
  readonly handlers: HandlerTable;
  /** Carries the job's id. */
  readonly log: Logger;
  /** Aborted when the process shuts down. */
  readonly stop: AbortSignal;
}

/** Runs the handler of a job once. Never rejects: whatever happens is a result. */
export async function runTurn(job: Job, options: TurnOptions): Promise<TurnResult> {
  const { handlers, log, stop } = options;
  const contract = findContract(job.name);
  const handler = handlers[job.name];
  if (contract === undefined || handler === undefined || versionOf(job) > contract.version) {
    log.warn({ version: versionOf(job) }, "queue.job.unknown");
    return { end: "unknown", delayMs: UNKNOWN_JOB_DELAY_MS };
  }
  const parsed = contract.payload.safeParse(job.data);
  if (!parsed.success) {
    const paths = parsed.error.issues.map((issue) => issue.path.join(".") || "payload");
    return {
      end: "failed",
      text: `invalid_input: the job's data are not valid: ${paths.join(", ")}`,
    };
  }
  const deadline = startDeadline(job.name, contract.policy.timeoutMs);
  const reporter = new JobReporter(job, log);
  const context = makeContext(job, {
    log,
    reporter,
    signal: AbortSignal.any([deadline.signal, stop]),
  });
  try {
    const value = await handler(parsed.data, context);
    if (!(value instanceof Yield)) return { end: "completed", value };
    return { end: "yielded", delayMs: value.delayMs, place: value.place };
  } catch (error) {
    // A handler that was stopped by its deadline says `canceled`; the reason is what counts.
    const isLate = deadline.signal.aborted && isAppError(error, "canceled");
    return afterError(isLate ? deadline.signal.reason : error, job, options);
  } finally {
    deadline.clear();
    await reporter.flush(FLUSH_MS);
  }
}

/** The contract of a job that is known by name. */
export function findContract(name: string | undefined): (typeof jobs)[JobName] | undefined {
  return Object.values(jobs).find((contract) => contract.name === name);
}

function afterError(error: unknown, job: Job, { log, stop }: TurnOptions): TurnResult {
  const decision = decideRetry(error, stop.aborted);
  const attempt = job.attemptsMade + 1;
  switch (decision.kind) {
    case "delay":
      return { end: "delayed", delayMs: decision.delayMs };
    case "fail":
      log.info({ error, attempt }, "queue.job.failed");
      return { end: "failed", text: decision.text };
    case "retry":
      if (isAppError(error)) log.warn({ error, attempt }, "queue.job.retried");
      else log.error({ error, attempt }, "queue.job.crashed");
      return { end: "retried", text: decision.text };
  }
}

function makeContext(
  job: Job,
  parts: { readonly log: Logger; readonly reporter: JobReporter; readonly signal: AbortSignal },
): JobContext {
  return {
    signal: parts.signal,
    attempt: job.attemptsMade + 1,
    place: job.priority === FRESH_PLACE ? undefined : job.priority,
    previous: toView(job.progress),
    log: parts.log,
    progress: (view) => {
      parts.reporter.progress(view);
    },
    jobLog: (line) => {
      parts.reporter.line(line);
    },
  };
}

/** A job that was never shown has the number 0. */
function toView(progress: JobProgress): JobProgressView | undefined {
  return typeof progress === "object" ? (progress as JobProgressView) : undefined;
}

function startDeadline(op: string, timeoutMs: number): { signal: AbortSignal; clear: () => void } {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    const message = `the job took longer than ${String(timeoutMs / 1_000)} s`;
    controller.abort(new AppError({ code: "timeout", message, op }));
  }, timeoutMs);
  return {
    signal: controller.signal,
    clear: () => {
      clearTimeout(timer);
    },
  };
}

function versionOf(job: Job): number {
  const data: unknown = job.data;
  const isVersioned = typeof data === "object" && data !== null && "v" in data;
  return isVersioned && typeof data.v === "number" ? data.v : 0;
}
