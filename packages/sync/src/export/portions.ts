import { CLAIM_BYTES } from "@bucketbridge/core";
import type { ClaimedDelivery } from "./ports.ts";

/** Deliveries that are read, rendered and put together, and the memory that they take meanwhile. */
export interface Portion {
  readonly deliveries: readonly ClaimedDelivery[];
  readonly bytes: number;
}

/** A subject is there as text of the database, as parsed value, as rendered text and as bytes. Measured: 5 to 6 times. */
export const HELD_PER_STORED = 6;

/** Cuts a claim, in its order, into portions of at most `CLAIM_BYTES` in memory; one larger subject goes alone. */
export function toPortions(claimed: readonly ClaimedDelivery[]): Portion[] {
  const portions: { deliveries: ClaimedDelivery[]; bytes: number }[] = [];
  for (const delivery of claimed) {
    const bytes = delivery.storedBytes * HELD_PER_STORED;
    const last = portions.at(-1);
    if (last === undefined || last.bytes + bytes > CLAIM_BYTES)
      portions.push({ deliveries: [delivery], bytes });
    else {
      last.deliveries.push(delivery);
      last.bytes += bytes;
    }
  }
  return portions;
}
