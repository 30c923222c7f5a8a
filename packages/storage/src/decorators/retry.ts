import {
  backoffMs,
  RETRY_BY_CODE,
  systemClock,
  type BackoffPolicy,
  type ErrorCode,
} from "@bucketbridge/core";
import { releaseBody, wrapBody } from "../body.ts";
import type { ErrorClass, ReadResult, StorageDriver } from "../driver.ts";
import { classifyFailure } from "../failure.ts";
import { interceptDriver, type CallName } from "./intercept.ts";

/** When a failed call is made again. */
export interface RetryPolicy extends BackoffPolicy {
  /** Calls in all, the first one included. */
  readonly attempts: number;
  /** A store that asks for a longer wait is not waited for here: the error goes to the caller with its delay. */
  readonly maxWaitMs: number;
  /**
   * False: writes and deletions are tried once whatever is said, since the caller has times of its own for them. Default: they
   * are repeated after a refusal that left nothing behind.
   */
  readonly repeatWrites?: boolean;
  /** Waits; injected so that tests do not. Default: the system clock. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** A number in [0, 1); default `Math.random`. */
  readonly random?: () => number;
}

/** Refusals that left nothing behind. Any other failure of a write may still be applied later (design §7). */
const REFUSED_WRITE_CODES: ReadonlySet<ErrorCode> = new Set(["rate_limited", "conflict"]);

/**
 * Repeats calls whose failure the driver itself calls temporary, waiting as long as the store asks for.
 *
 * Streams are repeated until their first chunk only. A write or deletion is repeated only after a refusal that left
 * nothing behind, because its caller must know of a put without an answer; a conditional put never is, because its own
 * success would look like a lost race.
 */
export function withRetry(inner: StorageDriver, policy: RetryPolicy): StorageDriver {
  const pause = policy.pause ?? ((ms, signal) => systemClock.sleep(ms, signal));
  const repeat = async <T>(
    method: CallName,
    signal: AbortSignal,
    run: () => Promise<T>,
  ): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await run();
      } catch (error) {
        const known = classifyFailure(inner, error, signal);
        if (attempt >= policy.attempts || known === undefined) throw error;
        if (!mayRepeat(method, known.code, policy.repeatWrites ?? true)) throw error;
        const waitMs = known.retryAfterMs ?? backoffMs(policy, attempt, policy.random);
        if (waitMs > policy.maxWaitMs) throw error;
        await pause(waitMs, signal);
      }
    }
  };
  return interceptDriver(inner, {
    call: ({ method, ctx }, action) => repeat(method, ctx.signal, () => action(ctx)),
    read: ({ method, ctx }, action) =>
      repeat(method, ctx.signal, async () => withFirstChunk(await action(ctx))),
  });
}

function mayRepeat(method: CallName, code: ErrorClass["code"], isWriteRepeated: boolean): boolean {
  switch (method) {
    case "putConditional":
      return false;
    case "put":
    case "delete":
      return isWriteRepeated && REFUSED_WRITE_CODES.has(code);
    default:
      return RETRY_BY_CODE[code] !== "never";
  }
}

/** Resolves when the first chunk is there, so that a failure before it is a failure of the read. */
async function withFirstChunk(result: ReadResult): Promise<ReadResult> {
  const chunks = result.body[Symbol.asyncIterator]();
  let first: IteratorResult<Uint8Array> | undefined;
  try {
    first = await chunks.next();
  } catch (error) {
    releaseBody(chunks);
    throw error;
  }
  const body = wrapBody(
    { [Symbol.asyncIterator]: () => chunks },
    {
      pull: (next) => {
        if (first === undefined) return next();
        const chunk = first;
        first = undefined;
        return Promise.resolve(chunk);
      },
    },
  );
  return { ...result, body };
}
