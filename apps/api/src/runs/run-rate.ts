import type { RunSample } from "./run-watchers.ts";

/** How fast a run goes, and when it will be done. */
export interface RunRate {
  /** Objects listed or loaded per second; null before two samples of the same phase. */
  readonly perSecond: number | null;
  /** Whole seconds; null while the listing goes on (nobody knows how much is left) and without a rate. */
  readonly etaSeconds: number | null;
}

/** A rate over more than this would answer too slowly to a change. */
const WINDOW_MS = 15_000;

/** Keeps the samples of one run that a rate is made of. */
export class RateWindow {
  #samples: RunSample[] = [];

  /** Takes the next sample, oldest first, and gives the rate up to it. */
  add(sample: RunSample): RunRate {
    const { phase } = sample.run;
    const recent = this.#samples.filter(
      (old) => old.run.phase === phase && sample.atMs - old.atMs <= WINDOW_MS,
    );
    this.#samples = [...recent, sample];
    const first = recent[0];
    if (first === undefined || sample.atMs <= first.atMs)
      return { perSecond: null, etaSeconds: null };
    const perSecond =
      (progressOf(sample) - progressOf(first)) / ((sample.atMs - first.atMs) / 1_000);
    return { perSecond: round(Math.max(0, perSecond)), etaSeconds: toEta(sample, perSecond) };
  }
}

/** While objects are loaded, those that wait become fewer; before, the listing grows. */
function progressOf({ run }: RunSample): number {
  return run.phase === "loading" ? -run.pending : run.listed;
}

function toEta({ run }: RunSample, perSecond: number): number | null {
  if (run.phase !== "loading" || perSecond <= 0) return null;
  return Math.ceil(run.pending / perSecond);
}

function round(rate: number): number {
  return Math.round(rate * 10) / 10;
}
