import { exportLabel, importLabel, pushLabel, snapshotLabel } from "@bucketbridge/contracts";
import type { Logger } from "@bucketbridge/core";
import type { Producer } from "@bucketbridge/queue";
import type { Bell, ExportBell, RunRef, TargetRef } from "@bucketbridge/sync";
import type { Cards, RunCard, TargetCard } from "./ports.ts";

/** What a bell needs. */
export interface BellDeps {
  readonly producer: Producer;
  readonly cards: Cards;
  readonly log: Logger;
}

/**
 * Rings other workers behind the caller's back; each job gets the label of its run or target. A ring that fails is only
 * logged, the sweep rings again. What is gone needs nobody.
 */
export class QueueBell implements Bell, ExportBell {
  readonly #deps: BellDeps;
  readonly #pending = new Set<Promise<void>>();

  constructor(deps: BellDeps) {
    this.#deps = deps;
  }

  /** Rings for a run of a source or of a target, whichever it is. */
  ringRun(run: RunRef): void {
    this.#behind(run, async () => {
      const card = await this.#deps.cards.describe(run);
      if (card === undefined) return;
      if (card.direction === "target") await this.#ringExport(run, card);
      else await this.#deps.producer.ring("import.run", payloadOf(run, card));
    });
  }

  ringLoad(run: RunRef, slot: number): void {
    this.#behind(run, async () => {
      const card = await this.#deps.cards.describe(run);
      if (card === undefined) return;
      await this.#deps.producer.ring("import.load", { ...payloadOf(run, card), slot });
    });
  }

  ringPush(target: TargetRef): void {
    const { organizationId, targetId } = target;
    this.#behind({ targetId }, async () => {
      const card = await this.#deps.cards.describeTarget({ organizationId, targetId });
      if (card !== undefined) await this.#ringPush(target, card);
    });
  }

  /** Rings for a target whose card is known. */
  ringPushOf(target: TargetRef & TargetCard): void {
    this.#behind({ targetId: target.targetId }, () => this.#ringPush(target, target));
  }

  /** Rings for a run of a target whose card is known. */
  ringExportOf(run: TargetRef & RunRef & Omit<RunCard, "direction" | "storageId">): void {
    this.#behind(run, () => this.#ringExport(run, { ...run, storageId: run.targetId }));
  }

  /** Rings for a snapshot that nobody writes. */
  ringSnapshot(snapshot: {
    readonly organizationId: number;
    readonly snapshotId: number;
    readonly title: string;
  }): void {
    const { organizationId, snapshotId, title } = snapshot;
    this.#behind({ snapshotId }, async () => {
      const label = snapshotLabel({ id: snapshotId, title });
      const payload = { v: 1 as const, organizationId, snapshotId, label };
      await this.#deps.producer.ring("export.snapshot", payload);
    });
  }

  /** Waits for the rings that are on their way; before the producer closes. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }

  async #ringPush({ organizationId, targetId }: TargetRef, card: TargetCard): Promise<void> {
    const label = pushLabel(card);
    await this.#deps.producer.ring("export.push", { v: 1, organizationId, targetId, label });
  }

  async #ringExport(
    { organizationId, runId }: RunRef,
    card: Omit<RunCard, "direction">,
  ): Promise<void> {
    const payload = { v: 1 as const, organizationId, targetId: card.storageId, runId };
    await this.#deps.producer.ring("export.sync", { ...payload, label: exportLabel(card) });
  }

  #behind(
    about: { readonly runId?: number; readonly targetId?: number; readonly snapshotId?: number },
    ring: () => Promise<void>,
  ): void {
    const { runId, targetId, snapshotId } = about;
    const ringing = ring()
      .catch((error: unknown) => {
        this.#deps.log.warn({ error, runId, targetId, snapshotId }, "queue.bell.failed");
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
