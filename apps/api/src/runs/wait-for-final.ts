import { isFinalState } from "@bucketbridge/contracts";
import type { RunKey, RunWatchers } from "./run-watchers.ts";

/** Resolves when the run is final, when `timeoutMs` have passed or when the client has left; never rejects because of them. */
export async function waitForFinal(
  watchers: RunWatchers,
  run: RunKey,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  for await (const sample of watchers.watch(run, signal)) {
    if (isFinalState(sample.run.state)) return;
  }
}
