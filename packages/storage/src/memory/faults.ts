import { systemClock, type Clock } from "@bucketbridge/core";
import { wrapBody } from "../body.ts";
import { interceptDriver, type DriverCall } from "../decorators/intercept.ts";
import type { ErrorClass, StorageDriver } from "../driver.ts";

/** An error that a test asked for. It is classified as it says. */
export class InjectedFault extends Error {
  override readonly name = "InjectedFault";
  readonly class: ErrorClass;

  constructor(fault: ErrorClass) {
    super(`injected ${fault.code}`);
    this.class = fault;
  }
}

/** What goes wrong. Each hook sees every call. */
export interface FaultPlan {
  /** Before a call reaches the driver: waits, throws, changes the bucket. */
  before?(call: DriverCall): Promise<void> | void;
  /** Bytes of a body after which it breaks with `unavailable`; undefined: whole. */
  cutBodyAfter?(key: string): number | undefined;
}

/** A driver that fails as planned, for tests. Faults come before the call, so that a failed one has changed nothing. */
export function withFaults(inner: StorageDriver, plan: FaultPlan): StorageDriver {
  const driver = interceptDriver(inner, {
    call: async (call, action) => {
      await plan.before?.(call);
      return action(call.ctx);
    },
    read: async (call, action) => {
      await plan.before?.(call);
      const result = await action(call.ctx);
      const cut = plan.cutBodyAfter?.(call.subject);
      return cut === undefined ? result : { ...result, body: cutBody(result.body, cut) };
    },
  });
  return {
    ...driver,
    classifyError: (error) =>
      error instanceof InjectedFault ? error.class : inner.classifyError(error),
  };
}

/** Plans that a test puts together: each is one hook of a `FaultPlan`. */
export const faults = {
  /** Every call waits first; an abort ends the wait. */
  latency(ms: number, clock: Clock = systemClock): NonNullable<FaultPlan["before"]> {
    return ({ ctx }) => clock.sleep(ms, ctx.signal);
  },

  /** The first `times` calls (of `method`, when given) fail. */
  failTimes(
    times: number,
    fault: ErrorClass,
    method?: DriverCall["method"],
  ): NonNullable<FaultPlan["before"]> {
    let left = times;
    return (call) => {
      if (left <= 0 || (method !== undefined && call.method !== method)) return;
      left--;
      throw new InjectedFault(fault);
    };
  },

  /** Every second call is told to slow down, but for those in `except`. */
  throttle(options: {
    readonly retryAfterMs?: number;
    readonly except?: DriverCall["method"];
  }): NonNullable<FaultPlan["before"]> {
    let calls = 0;
    return ({ method }) => {
      if (method === options.except) return;
      calls++;
      if (calls % 2 === 1) {
        throw new InjectedFault({ code: "rate_limited", retryAfterMs: options.retryAfterMs });
      }
    };
  },

  /** Runs once, just before the first read of `key`: the object that was listed is not the one that is read. */
  beforeReadOf(key: string, change: () => void): NonNullable<FaultPlan["before"]> {
    let isDone = false;
    return (call) => {
      if (isDone || call.method !== "read" || call.subject !== key) return;
      isDone = true;
      change();
    };
  },
} as const;

function cutBody(body: AsyncIterable<Uint8Array>, afterBytes: number): AsyncIterable<Uint8Array> {
  let left = afterBytes;
  return wrapBody(body, {
    pull: async (next) => {
      if (left <= 0)
        throw new InjectedFault({ code: "unavailable", detail: "the connection was cut" });
      const chunk = await next();
      if (chunk.done === true) return chunk;
      const value = chunk.value.subarray(0, left);
      left -= chunk.value.byteLength;
      return { done: false, value };
    },
  });
}
