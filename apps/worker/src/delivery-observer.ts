import type { DeliveryStore } from "@bucketbridge/sync";

/** What became of a delivery that this process has claimed. `lost`: it was answered, but the lease had ended. */
export type DeliveryOutcome = "delivered" | "lost" | "failed" | "ambiguous" | "released";

/** Told of each outcome. */
export interface DeliveryObserver {
  onDeliveries(outcome: DeliveryOutcome, count: number): void;
}

/** Tells the observer what became of each claimed delivery. */
export function observeDeliveries(
  deliveries: DeliveryStore,
  observer: DeliveryObserver,
): DeliveryStore {
  return {
    claim: (target, owner, count, options) => deliveries.claim(target, owner, count, options),
    renew: (target, claimed) => deliveries.renew(target, claimed),
    readSubjects: (target, claimed) => deliveries.readSubjects(target, claimed),
    intend: (target, intents) => deliveries.intend(target, intents),
    delivered: async (target, records) => {
      const lost = await deliveries.delivered(target, records);
      observer.onDeliveries("delivered", records.length - lost.length);
      observer.onDeliveries("lost", lost.length);
      return lost;
    },
    failed: async (target, delivery, failure) => {
      await deliveries.failed(target, delivery, failure);
      observer.onDeliveries("failed", 1);
    },
    ambiguous: async (target, delivery, failure) => {
      await deliveries.ambiguous(target, delivery, failure);
      observer.onDeliveries("ambiguous", 1);
    },
    release: async (target, claimed) => {
      await deliveries.release(target, claimed);
      observer.onDeliveries("released", claimed.length);
    },
  };
}
