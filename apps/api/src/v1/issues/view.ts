import type { IssueView } from "@bucketbridge/contracts";
import type { IssueRecord } from "@bucketbridge/db";
import { toTime } from "../runs/view.ts";

/** An issue as the native API shows it. */
export function toIssueView(issue: IssueRecord): IssueView {
  return {
    id: issue.id,
    storageId: issue.storageId,
    runId: issue.runId,
    key: issue.key,
    rowIndex: issue.rowIndex < 0 ? null : issue.rowIndex,
    byteOffset: issue.byteOffset,
    code: issue.code,
    message: issue.message,
    open: issue.resolvedAt === null,
    firstSeenAt: toTime(issue.firstSeenAt),
    lastSeenAt: toTime(issue.lastSeenAt),
    resolvedAt: toTime(issue.resolvedAt),
  };
}
