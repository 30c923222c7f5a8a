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
  | { readonly kind: "latency"; readonly listMs: number };

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

const fake = await startS3Fake();

function obey(command: S3Command): void {
  switch (command.kind) {
    case "listing":
      fake.preRender(command.bucket, { count: command.count, key: imageKey });
      return;
    case "object":
      fake.putObject(command.bucket, command.key, command.body);
      return;
    case "copies":
      fake.putCopies(
        command.bucket,
        Array.from({ length: command.count }, (_, index) => documentKey(index)),
        command.body,
      );
      return;
    case "latency":
      fake.setLatency({ list: command.listMs });
      return;
  }
}

process.on("message", (command) => {
  obey(command as S3Command);
  process.send?.("done");
});
process.on("disconnect", () => process.exit(0));
const [key] = fake.accessKeys;
const address: S3Address = {
  endpoint: fake.endpoint,
  accessKeyId: key?.accessKeyId ?? "",
  secretAccessKey: key?.secretAccessKey ?? "",
};
process.send?.(address);
