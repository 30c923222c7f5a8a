import type { RunProgress } from "./ports.ts";

/** A run's counts at one moment. */
export interface RateSample extends Pick<RunProgress, "phase" | "listed" | "pending"> {
  /** Milliseconds of a steady clock. */
  readonly atMs: number;
}

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
  #samples: RateSample[] = [];

  /** Takes the next sample, oldest first, and gives the rate up to it. */
  add(sample: RateSample): RunRate {
    const recent = this.#samples.filter(
      (old) => old.phase === sample.phase && sample.atMs - old.atMs <= WINDOW_MS,
    );
    this.#samples = [...recent, sample];
    const first = recent[0];
    if (first === undefined || sample.atMs <= first.atMs)
      return { perSecond: null, etaSeconds: null };
    const seconds = (sample.atMs - first.atMs) / 1_000;
    const perSecond = Math.max(0, (progressOf(sample) - progressOf(first)) / seconds);
    return { perSecond: Math.round(perSecond * 10) / 10, etaSeconds: toEta(sample, perSecond) };
  }
}

/** While objects are loaded, those that wait become fewer; before, the listing grows. */
function progressOf({ phase, listed, pending }: RateSample): number {
  return phase === "loading" ? -pending : listed;
}

function toEta({ phase, pending }: RateSample, perSecond: number): number | null {
  return phase === "loading" && perSecond > 0 ? Math.ceil(pending / perSecond) : null;
}
