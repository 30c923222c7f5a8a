import type { DeliveryView } from "@bucketbridge/contracts";
import type { DeliveryRecord } from "@bucketbridge/db";
import { toTime } from "../runs/view.ts";

/** A delivery as the native API shows it. */
export function toDeliveryView(delivery: DeliveryRecord): DeliveryView {
  return {
    subject: delivery.subjectType,
    subjectId: delivery.subjectId,
    state: delivery.status,
    operation: delivery.wantedOp,
    wantedRevision: delivery.wantedRevision,
    deliveredRevision: delivery.deliveredRevision,
    key: delivery.objectKey,
    etag: delivery.etag,
    attempts: delivery.attempts,
    nextAttemptAt: toTime(delivery.nextAttemptAt),
    settleAt: toTime(delivery.settleAt),
    wantedAt: toTime(delivery.wantedAt),
    deliveredAt: toTime(delivery.deliveredAt),
    runId: delivery.runId,
    errorCode: delivery.errorCode,
    errorMessage: delivery.errorMessage,
  };
}
