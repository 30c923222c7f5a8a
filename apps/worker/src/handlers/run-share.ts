/**
 * Jobs of one run that a process works on at once. More would only share one event loop, while another process may be
 * idle; the number of slots of a run is bounded over all processes (`EngineOptions.loadSlots`).
 */
const MAX_JOBS_PER_RUN = 2;

/** Counts the jobs of each run that this process works on. */
export class RunShare {
  readonly #jobs = new Map<number, number>();

  /** True when a further job of the run should be left to another process. */
  isFull(runId: number): boolean {
    return (this.#jobs.get(runId) ?? 0) >= MAX_JOBS_PER_RUN;
  }

  /** Counts one job while `work` runs. */
  async during<T>(runId: number, work: () => Promise<T>): Promise<T> {
    this.#jobs.set(runId, (this.#jobs.get(runId) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = (this.#jobs.get(runId) ?? 1) - 1;
      if (left === 0) this.#jobs.delete(runId);
      else this.#jobs.set(runId, left);
    }
  }
}
