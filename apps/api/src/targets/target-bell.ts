import { pushLabel } from "@bucketbridge/contracts";
import { redactText } from "@bucketbridge/core";
import type { ApiDeps } from "../deps.ts";

/** What the board calls a target is looked up this rarely: every save rings. */
const LABEL_TTL_MS = 60_000;
const MAX_LABELS = 10_000;

/** Rings the bells of targets after a commit that wished something of them. */
export class TargetBell {
  readonly #deps: Pick<ApiDeps, "bell" | "storages" | "clock" | "log">;
  readonly #labels = new Map<number, { readonly label: string; readonly untilMs: number }>();

  constructor(deps: Pick<ApiDeps, "bell" | "storages" | "clock" | "log">) {
    this.#deps = deps;
  }

  /** Returns at once: nobody waits for a bell, and when nobody hears it the sweep rings again. */
  ring(organizationId: number, targetIds: readonly number[]): void {
    for (const targetId of targetIds) void this.#ringOne(organizationId, targetId);
  }

  async #ringOne(organizationId: number, targetId: number): Promise<void> {
    try {
      const label = await this.#labelOf(organizationId, targetId);
      if (label === undefined) return;
      await this.#deps.bell.ring("export.push", { v: 1, organizationId, targetId, label });
    } catch (error) {
      const message = redactText(error instanceof Error ? error.message : "unknown");
      this.#deps.log.warn({ organizationId, targetId, message }, "target.ring.failed");
    }
  }

  /** Undefined: the target is gone. */
  async #labelOf(organizationId: number, targetId: number): Promise<string | undefined> {
    const { storages, clock } = this.#deps;
    const known = this.#labels.get(targetId);
    if (known !== undefined && known.untilMs > clock.now()) return known.label;
    const target = await storages.find(organizationId, targetId, { direction: "target" });
    if (target === undefined) return undefined;
    const label = pushLabel(target);
    if (this.#labels.size >= MAX_LABELS) this.#labels.clear();
    this.#labels.set(targetId, { label, untilMs: clock.now() + LABEL_TTL_MS });
    return label;
  }
}
