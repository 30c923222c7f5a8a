import type { TargetView } from "@bucketbridge/contracts";
import type { DeliveryCounts, StorageRecord } from "@bucketbridge/db";
import { toTime } from "../runs/view.ts";

/** A target as the native API shows it. */
export function toTargetView(target: StorageRecord, deliveries: DeliveryCounts): TargetView {
  const { outage } = target;
  return {
    id: target.id,
    projectId: target.projectId,
    type: target.provider,
    title: target.title,
    prefix: target.prefix,
    subject: target.subject,
    key_template: target.keyTemplate,
    json_extension: target.jsonExtension,
    can_delete_objects: target.canDeleteObjects === true,
    deliveries,
    outage:
      outage === null
        ? null
        : { ...outage, since: toTime(outage.since), nextAttemptAt: toTime(outage.nextAttemptAt) },
  };
}
