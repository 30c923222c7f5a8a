import { assertNever, CLAIM_OBJECTS, type Clock, type Logger } from "@bucketbridge/core";
import { finishRun, type ImportEngine } from "@bucketbridge/sync";
import type { SweepFinding, SweepStore } from "./ports.ts";

/** After a crash nobody waits longer than a lease and this. */
const INTERVAL_MS = 3_000;

/** What a sweep needs. */
export interface SweepDeps {
  readonly store: SweepStore;
  readonly engine: ImportEngine;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Looks every few seconds for runs that nobody works on and rings for them; ends and promotes runs by itself, so that a
 * queue that has lost everything delays work but loses none (design §6). Every worker runs one; the store lets one look
 * at a time.
 */
export class Sweep {
  readonly #deps: SweepDeps;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(deps: SweepDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Waits for the round that is under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
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

  async #run(): Promise<void> {
    const { clock, log } = this.#deps;
    while (!this.#stop.signal.aborted) {
      try {
        await this.round();
      } catch (error) {
        log.warn({ error }, "sweep.failed");
      }
      await sleep(clock, this.#stop.signal);
    }
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

async function sleep(clock: Clock, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(INTERVAL_MS, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
