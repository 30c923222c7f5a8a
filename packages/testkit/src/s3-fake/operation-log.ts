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
  /** What the option `describe` made of the bytes; "" without it and for a deletion. */
  readonly description: string;
  /** A write that a fault held back and the test released: it came after its client had given up. */
  readonly isLate: boolean;
  /** Milliseconds since the epoch. */
  readonly appliedAt: number;
}

/** Collects the changes that requests made. What a test puts there itself is not in it. */
export class OperationLog {
  readonly entries: AppliedOperation[] = [];
  readonly #describe: (body: Buffer) => string;

  constructor(describe: (body: Buffer) => string = () => "") {
    this.#describe = describe;
  }

  add(change: {
    readonly kind: "put" | "delete";
    readonly bucket: string;
    readonly key: string;
    readonly body?: Buffer;
    readonly isLate?: boolean;
  }): void {
    const { body } = change;
    this.entries.push({
      sequence: this.entries.length + 1,
      kind: change.kind,
      bucket: change.bucket,
      key: change.key,
      bodySha256: body === undefined ? "" : createHash("sha256").update(body).digest("hex"),
      description: body === undefined ? "" : this.#describe(body),
      isLate: change.isLate ?? false,
      appliedAt: Date.now(),
    });
  }
}
