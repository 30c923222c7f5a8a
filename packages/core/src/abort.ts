import { AppError } from "./errors.ts";

/** Throws `canceled` when the signal is aborted. */
export function throwIfCanceled(signal: AbortSignal, op: string): void {
  if (!signal.aborted) return;
  throw new AppError({ code: "canceled", message: `${op} was canceled`, op, cause: signal.reason });
}

/**
 * What `work` gives, or the signal's reason as soon as it is aborted. The work itself goes on: others may wait for it too. A
 * rejection that comes after that is of no interest to anybody.
 */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const cut = Promise.withResolvers<never>();
  const onAbort = (): void => {
    cut.reject(signal.reason);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([cut.promise, work]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
