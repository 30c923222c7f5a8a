import { ByteBudget } from "@bucketbridge/sync";

/** Streams of each organisation at a time, so that one organisation's video does not stop another's images. */
export class ProxySlots {
  readonly #limit: number;
  readonly #byOrganization = new Map<number, ByteBudget>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Waits for a place, first come, first served; resolves to how to give it back (idempotent). Rejects with the signal's reason. */
  take(organizationId: number, signal: AbortSignal): Promise<() => void> {
    const slots = this.#byOrganization.get(organizationId) ?? new ByteBudget(this.#limit);
    this.#byOrganization.set(organizationId, slots);
    return slots.acquire(1, signal);
  }
}
