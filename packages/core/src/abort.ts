import { AppError } from "./errors.ts";

/** Throws `canceled` when the signal is aborted. */
export function throwIfCanceled(signal: AbortSignal, op: string): void {
  if (!signal.aborted) return;
  throw new AppError({ code: "canceled", message: `${op} was canceled`, op, cause: signal.reason });
}
