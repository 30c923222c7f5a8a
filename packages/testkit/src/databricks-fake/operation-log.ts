import { createHash } from "node:crypto";

/** A change of a volume, in the order in which changes took effect. */
export interface AppliedChange {
  /** 1, 2, … over all volumes. */
  readonly sequence: number;
  readonly kind: "put" | "delete";
  /** `/Volumes/…`. */
  readonly path: string;
  /** SHA-256 of the bytes in hex; "" for a deletion. */
  readonly bodySha256: string;
}

/** Collects the changes that requests made. What a test puts there itself is not in it. */
export class OperationLog {
  readonly entries: AppliedChange[] = [];

  add({ kind, path, body }: { kind: "put" | "delete"; path: string; body?: Buffer }): void {
    const bodySha256 = body === undefined ? "" : createHash("sha256").update(body).digest("hex");
    this.entries.push({ sequence: this.entries.length + 1, kind, path, bodySha256 });
  }
}
