import { importLabel } from "@bucketbridge/contracts";
import type { Logger } from "@bucketbridge/core";
import type { Producer } from "@bucketbridge/queue";
import type { Bell, RunRef } from "@bucketbridge/sync";
import type { RunCard, RunCards } from "./ports.ts";

/** What a bell needs. */
export interface BellDeps {
  readonly producer: Producer;
  readonly cards: RunCards;
  readonly log: Logger;
}

/**
 * Rings other workers behind the caller's back; each job gets the run's label. A ring that fails is only logged, the
 * sweep rings again.
 */
export class QueueBell implements Bell {
  readonly #deps: BellDeps;
  readonly #pending = new Set<Promise<void>>();

  constructor(deps: BellDeps) {
    this.#deps = deps;
  }

  ringRun(run: RunRef): void {
    this.#ring(run, async (card) => {
      await this.#deps.producer.ring("import.run", payloadOf(run, card));
    });
  }

  ringLoad(run: RunRef, slot: number): void {
    this.#ring(run, async (card) => {
      const payload = { ...payloadOf(run, card), slot };
      await this.#deps.producer.ring("import.load", payload);
    });
  }

  /** Waits for the rings that are on their way; before the producer closes. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }

  #ring(run: RunRef, ring: (card: RunCard) => Promise<void>): void {
    const ringing = this.#deps.cards
      .describe(run)
      // A run that is gone needs nobody.
      .then((card) => (card === undefined ? undefined : ring(card)))
      .catch((error: unknown) => {
        this.#deps.log.warn({ error, runId: run.runId }, "import.ring.failed");
      })
      .finally(() => {
        this.#pending.delete(ringing);
      });
    this.#pending.add(ringing);
  }
}

function payloadOf(
  { organizationId, runId }: RunRef,
  card: RunCard,
): { v: 1; organizationId: number; runId: number; label: string } {
  return { v: 1, organizationId, runId, label: importLabel(card) };
}
