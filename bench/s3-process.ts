// The S3 server of the benchmark, in a process of its own: what it computes is not charged to the client.
import { startS3Fake } from "@bucketbridge/testkit/s3-fake";

/** What the parent asks for. Keys are made here, because a million of them would be a long message. */
export type S3Command =
  | { readonly kind: "listing"; readonly bucket: string; readonly count: number }
  | {
      readonly kind: "object";
      readonly bucket: string;
      readonly key: string;
      readonly body: string;
    }
  | {
      readonly kind: "copies";
      readonly bucket: string;
      readonly count: number;
      readonly body: string;
    }
  /** An object that takes no memory. */
  | {
      readonly kind: "pattern";
      readonly bucket: string;
      readonly key: string;
      readonly size: number;
    }
  | { readonly kind: "latency"; readonly listMs?: number; readonly putMs?: number }
  | { readonly kind: "empty"; readonly bucket: string }
  /** Every write is reset until `isDown` is false again. */
  | { readonly kind: "outage"; readonly isDown: boolean }
  /** Answered with what was written into the bucket, in that order. */
  | { readonly kind: "writes"; readonly bucket: string };

/** One write as the store saw it. */
export interface BenchWrite {
  readonly key: string;
  /** The `note` in the result of an annotation; "" of a deletion. */
  readonly note: string;
  readonly appliedAtMs: number;
}

/** How the parent reaches the server. */
export interface S3Address {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** 58 bytes, as long as those of a picture collection. */
function imageKey(index: number): string {
  return `datasets/images/train/2024/batch-0001/img_${String(index).padStart(12, "0")}.jpg`;
}

function documentKey(index: number): string {
  return `tasks/${String(index).padStart(6, "0")}.json`;
}

/** Without parsing: a store does not look into what it gets. */
const NOTE = /"note": ?"([^"]*)"/;

const fake = await startS3Fake({
  describe: (body) => NOTE.exec(body.toString("utf8"))?.[1] ?? "",
});
let outage: ReturnType<typeof fake.inject> | undefined;

/** Gives what the parent gets as answer. */
function obey(command: S3Command): unknown {
  switch (command.kind) {
    case "listing":
      fake.preRender(command.bucket, { count: command.count, key: imageKey });
      return undefined;
    case "object":
      fake.putObject(command.bucket, command.key, command.body);
      return undefined;
    case "copies":
      fake.putCopies(
        command.bucket,
        Array.from({ length: command.count }, (_, index) => documentKey(index)),
        command.body,
      );
      return undefined;
    case "pattern":
      fake.putPattern(command.bucket, command.key, command.size);
      return undefined;
    case "latency":
      fake.setLatency({ list: command.listMs ?? 0, put: command.putMs ?? 0 });
      return undefined;
    case "empty":
      fake.createBucket({ name: command.bucket });
      return undefined;
    case "outage":
      outage?.remove();
      outage = command.isDown
        ? fake.inject({ kind: "reset", on: ["put", "delete"], times: Infinity })
        : undefined;
      return undefined;
    case "writes":
      return fake.operations
        .filter(({ bucket }) => bucket === command.bucket)
        .map(({ key, description, appliedAt }): BenchWrite => ({
          key,
          note: description,
          appliedAtMs: appliedAt,
        }));
  }
}

process.on("message", (command) => {
  process.send?.({ answer: obey(command as S3Command) });
});
process.on("disconnect", () => process.exit(0));
const [key] = fake.accessKeys;
const address: S3Address = {
  endpoint: fake.endpoint,
  accessKeyId: key?.accessKeyId ?? "",
  secretAccessKey: key?.secretAccessKey ?? "",
};
process.send?.(address);
