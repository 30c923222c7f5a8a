import type { QueueBell } from "./bell.ts";
import type { TargetFinding, TargetSweepStore } from "./ports.ts";

/**
 * Looks for targets with due deliveries and for runs of targets that nobody works on, and rings for them, so that a queue
 * that has lost everything delays pushes but loses none. The store lets one worker at a time look.
 */
export class TargetSweep {
  readonly #store: TargetSweepStore;
  readonly #bell: Pick<QueueBell, "ringPushOf" | "ringExportOf">;

  constructor(store: TargetSweepStore, bell: Pick<QueueBell, "ringPushOf" | "ringExportOf">) {
    this.#store = store;
    this.#bell = bell;
  }

  /** One round. Gives the number of rings; undefined: another worker looks. */
  async round(): Promise<number | undefined> {
    const findings = await this.#store.sweepTargets();
    for (const finding of findings ?? []) this.#attend(finding);
    return findings?.length;
  }

  #attend(finding: TargetFinding): void {
    const { runId, number } = finding;
    if (runId === null || number === null) this.#bell.ringPushOf(finding);
    else this.#bell.ringExportOf({ ...finding, runId, number });
  }
}
