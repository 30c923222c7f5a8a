import { wrapBody } from "../body.ts";
import type { OpContext, ReadResult, StorageDriver } from "../driver.ts";
import { interceptDriver, type DriverCall } from "./intercept.ts";
import { Semaphore } from "./semaphore.ts";

/**
 * At most `concurrency` calls of this driver at a time. A read counts until its body has ended, was given back or its
 * signal was aborted, since until then it holds a connection: whoever holds bodies open while waiting for further calls
 * must hold fewer than `concurrency`.
 */
export function withLimit(inner: StorageDriver, concurrency: number): StorageDriver {
  const places = new Semaphore(concurrency);
  return interceptDriver(inner, {
    call: async (call, action) => {
      const release = await places.acquire(call.ctx.signal);
      try {
        return await action(call.ctx);
      } finally {
        release();
      }
    },
    read: (call, action) => readHolding(places, call, action),
  });
}

async function readHolding(
  places: Semaphore,
  { ctx }: DriverCall,
  action: (ctx: OpContext) => Promise<ReadResult>,
): Promise<ReadResult> {
  const release = await places.acquire(ctx.signal);
  const end = (): void => {
    ctx.signal.removeEventListener("abort", end);
    release();
  };
  try {
    const result = await action(ctx);
    ctx.signal.addEventListener("abort", end, { once: true });
    if (ctx.signal.aborted) end();
    return { ...result, body: wrapBody(result.body, { end }) };
  } catch (error) {
    end();
    throw error;
  }
}
