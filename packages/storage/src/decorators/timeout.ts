import { AppError } from "@bucketbridge/core";
import { releaseBody, wrapBody } from "../body.ts";
import type { OpContext, ReadResult, StorageDriver } from "../driver.ts";
import { interceptDriver, type DriverCall } from "./intercept.ts";

/** How long a store may take. */
export interface TimeoutPolicy {
  /** From the call to its answer, for a read to the start of its body. */
  readonly timeoutMs: number;
  /** Between two chunks of a body. The time that the reader takes for itself does not count. */
  readonly idleMs: number;
}

/**
 * Gives every call a deadline of its own, and every wait for a chunk of a body. What comes too late rejects with
 * `timeout`, also from a driver that ignores its signal; a body that arrives late is given back.
 */
export function withTimeout(inner: StorageDriver, policy: TimeoutPolicy): StorageDriver {
  return interceptDriver(inner, {
    call: async (call, action) => {
      const watch = new CallWatch(call.ctx.signal);
      try {
        return await watch.within(policy.timeoutMs, () => action({ signal: watch.signal }));
      } finally {
        watch.end();
      }
    },
    read: (call, action) => readWithin(policy, call, action),
  });
}

async function readWithin(
  policy: TimeoutPolicy,
  call: DriverCall,
  action: (ctx: OpContext) => Promise<ReadResult>,
): Promise<ReadResult> {
  const watch = new CallWatch(call.ctx.signal);
  try {
    const result = await watch.within(policy.timeoutMs, async () => {
      const opened = await action({ signal: watch.signal });
      if (watch.isOver) releaseBody(opened.body);
      return opened;
    });
    const body = wrapBody(result.body, {
      pull: (next) => watch.within(policy.idleMs, next),
      end: () => {
        watch.end();
      },
    });
    return { ...result, body };
  } catch (error) {
    watch.end();
    throw error;
  }
}

/** The signal of one call: aborted by the caller's, by a deadline, and by nothing after `end`. */
class CallWatch {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #onOuterAbort = (): void => {
    this.#controller.abort(this.#outer.reason);
  };

  constructor(outer: AbortSignal) {
    this.#outer = outer;
    if (outer.aborted) this.#onOuterAbort();
    else outer.addEventListener("abort", this.#onOuterAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Nobody waits for the call any more. */
  get isOver(): boolean {
    return this.signal.aborted;
  }

  /** Rejects when `work` takes longer than `ms` or the call is aborted, without waiting for `work` to notice. */
  async within<T>(ms: number, work: () => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    const cut = Promise.withResolvers<never>();
    // Before the work starts: then this rejection is the first that the race sees.
    const onAbort = (): void => {
      cut.reject(this.signal.reason);
    };
    this.signal.addEventListener("abort", onAbort, { once: true });
    const timer = setTimeout(() => {
      this.#controller.abort(tooLate(ms));
    }, ms);
    try {
      return await Promise.race([work(), cut.promise]);
    } finally {
      clearTimeout(timer);
      this.signal.removeEventListener("abort", onAbort);
    }
  }

  /** Lets go of the caller's signal. Idempotent. */
  end(): void {
    this.#outer.removeEventListener("abort", this.#onOuterAbort);
  }
}

function tooLate(ms: number): AppError {
  return new AppError({ code: "timeout", message: `no answer within ${String(ms / 1_000)} s` });
}
