import { createHash } from "node:crypto";

/** A change of a bucket, in the order in which changes took effect. */
export interface AppliedOperation {
  /** 1, 2, … over all buckets. */
  readonly sequence: number;
  readonly kind: "put" | "delete";
  readonly bucket: string;
  readonly key: string;
  /** SHA-256 of the bytes in hex; "" for a deletion. */
  readonly bodySha256: string;
  /** Milliseconds since the epoch. */
  readonly appliedAt: number;
}

/** Collects the changes that requests made. What a test puts there itself is not in it. */
export class OperationLog {
  readonly entries: AppliedOperation[] = [];

  add(change: {
    readonly kind: "put" | "delete";
    readonly bucket: string;
    readonly key: string;
    readonly body?: Buffer;
  }): void {
    this.entries.push({
      sequence: this.entries.length + 1,
      kind: change.kind,
      bucket: change.bucket,
      key: change.key,
      bodySha256:
        change.body === undefined ? "" : createHash("sha256").update(change.body).digest("hex"),
      appliedAt: Date.now(),
    });
  }
}
