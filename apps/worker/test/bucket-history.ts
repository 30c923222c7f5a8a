import type { S3Fake } from "@bucketbridge/testkit";

type Applied = S3Fake["operations"][number];

/** What the log of a store says about the order of revisions. */
export interface BucketHistory {
  readonly puts: number;
  readonly deletes: number;
  /** An older revision (or a deleted object) came back by a request that was answered: never allowed. */
  readonly returns: readonly Applied[];
  /** The same by a write that came after its client had given up; allowed until it is settled. */
  readonly lateReturns: number;
  /** Keys whose last change was such a late one: nobody has settled them. */
  readonly unsettled: readonly string[];
}

/** Reads the log of a bucket. A deletion counts as the newest revision, since ids are not used again. */
export function readHistory(
  operations: readonly Applied[],
  revisionOf: (description: string) => number,
): BucketHistory {
  const newest = new Map<string, number>();
  const unsettled = new Set<string>();
  const returns: Applied[] = [];
  let lateReturns = 0;
  for (const operation of operations) {
    const { key, kind, isLate } = operation;
    const revision = kind === "delete" ? Infinity : revisionOf(operation.description);
    if (revision >= (newest.get(key) ?? 0)) {
      newest.set(key, revision);
      unsettled.delete(key);
    } else if (isLate) {
      lateReturns++;
      unsettled.add(key);
    } else returns.push(operation);
  }
  const deletes = operations.filter(({ kind }) => kind === "delete").length;
  const puts = operations.length - deletes;
  return { puts, deletes, returns, lateReturns, unsettled: [...unsettled] };
}
