import type { ErrorCode } from "@bucketbridge/core";
import { wrapBody } from "../body.ts";
import type { StorageDriver } from "../driver.ts";
import { classifyFailure } from "../failure.ts";
import { interceptDriver, type CallName } from "./intercept.ts";

/** One finished call. A read is two: `read` to the start of its body, `body` to its end. */
export interface CallRecord {
  readonly method: CallName | "body";
  readonly outcome: "ok" | ErrorCode;
  readonly durationMs: number;
  /** Of a body: what arrived. */
  readonly bytes?: number | undefined;
}

/** Receives every finished call. It must not throw. */
export type CallObserver = (record: CallRecord) => void;

/** Reports duration and outcome of each call to `observer`. A body that its reader gave back early is `ok`. */
export function withObserver(
  inner: StorageDriver,
  observer: CallObserver,
  now: () => number = () => performance.now(),
): StorageDriver {
  const failed = (error: unknown, signal: AbortSignal): ErrorCode =>
    classifyFailure(inner, error, signal)?.code ?? "internal";
  const observed = async <T>(
    method: CallName,
    signal: AbortSignal,
    run: () => Promise<T>,
  ): Promise<T> => {
    const startMs = now();
    try {
      const result = await run();
      observer({ method, outcome: "ok", durationMs: now() - startMs });
      return result;
    } catch (error) {
      observer({ method, outcome: failed(error, signal), durationMs: now() - startMs });
      throw error;
    }
  };
  return interceptDriver(inner, {
    call: ({ method, ctx }, action) => observed(method, ctx.signal, () => action(ctx)),
    read: async ({ method, ctx }, action) => {
      const result = await observed(method, ctx.signal, () => action(ctx));
      const startMs = now();
      let bytes = 0;
      const body = wrapBody(result.body, {
        pull: async (next) => {
          const chunk = await next();
          if (chunk.done !== true) bytes += chunk.value.byteLength;
          return chunk;
        },
        end: (end) => {
          const outcome = end.kind === "failed" ? failed(end.error, ctx.signal) : "ok";
          observer({ method: "body", outcome, durationMs: now() - startMs, bytes });
        },
      });
      return { ...result, body };
    },
  });
}
