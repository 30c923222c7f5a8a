import { assertNever, CLAIM_OBJECTS, type Logger } from "@bucketbridge/core";
import { finishRun, type ImportEngine } from "@bucketbridge/sync";
import type { SweepFinding, SweepStore } from "./ports.ts";

/** What a sweep needs. */
export interface SweepDeps {
  readonly store: SweepStore;
  readonly engine: ImportEngine;
  readonly log: Logger;
}

/**
 * Looks for runs that nobody works on and rings for them; ends and promotes runs by itself, so that a queue that has lost
 * everything delays work but loses none. Every worker sweeps every few seconds; the store lets one at a time.
 */
export class Sweep {
  readonly #deps: SweepDeps;

  constructor(deps: SweepDeps) {
    this.#deps = deps;
  }

  /** One round. Gives the number of things that needed somebody; undefined: another worker sweeps. */
  async round(): Promise<number | undefined> {
    const findings = await this.#deps.store.sweep();
    for (const finding of findings ?? []) {
      try {
        await this.#attend(finding);
      } catch (error) {
        // One run's trouble must not hide the others; the next round comes soon.
        const { kind, runId } = finding;
        this.#deps.log.warn({ error, kind, runId }, "sweep.run.failed");
      }
    }
    return findings?.length;
  }

  async #attend({ kind, organizationId, runId, storageId }: SweepFinding): Promise<void> {
    const { engine, store } = this.#deps;
    const run = { organizationId, runId };
    switch (kind) {
      case "scan":
        engine.bell.ringRun(run);
        return;
      case "load":
        await this.#ringLoads(run);
        return;
      case "finish":
        await finishRun(engine, run);
        return;
      case "promote": {
        const promoted = await store.promote({ organizationId, storageId });
        if (promoted !== undefined) engine.bell.ringRun({ organizationId, runId: promoted });
        return;
      }
      default:
        assertNever(kind);
    }
  }

  /** The run's own job, which is slot 0, and a slot for each further claim that could be made now. */
  async #ringLoads(run: {
    readonly organizationId: number;
    readonly runId: number;
  }): Promise<void> {
    const { engine } = this.#deps;
    const { loadSlots } = engine.options;
    engine.bell.ringRun(run);
    const claimable = await engine.runs.countClaimable(run, loadSlots * CLAIM_OBJECTS);
    const claims = Math.min(loadSlots, Math.ceil(claimable / CLAIM_OBJECTS));
    for (let slot = 1; slot < claims; slot++) engine.bell.ringLoad(run, slot);
  }
}
