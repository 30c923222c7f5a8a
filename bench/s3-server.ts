import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { BenchWrite, S3Address, S3Command } from "./s3-process.ts";

/** The S3 server of the benchmark as its parent sees it. */
export class S3Server {
  readonly address: S3Address;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, address: S3Address) {
    this.#child = child;
    this.address = address;
  }

  /** Starts it on a free port. It ends with this process. */
  static async start(): Promise<S3Server> {
    const child = fork(fileURLToPath(new URL("s3-process.ts", import.meta.url)));
    const [address] = (await once(child, "message")) as [S3Address];
    return new S3Server(child, address);
  }

  /** Does what is asked for and waits for it. */
  async send(command: S3Command): Promise<void> {
    await this.#ask(command);
  }

  /** What was written into a bucket, in that order. */
  async writes(bucket: string): Promise<readonly BenchWrite[]> {
    return (await this.#ask({ kind: "writes", bucket })) as readonly BenchWrite[];
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.disconnect();
    await exited;
  }

  async #ask(command: S3Command): Promise<unknown> {
    this.#child.send(command);
    const [message] = (await once(this.#child, "message")) as [{ readonly answer?: unknown }];
    return message.answer;
  }

  /** Settings and secrets of a storage on one of its buckets. */
  source(bucket: string): {
    readonly settings: Readonly<Record<string, unknown>>;
    readonly secrets: Readonly<Record<string, string>>;
  } {
    const { endpoint, accessKeyId, secretAccessKey } = this.address;
    return {
      settings: { bucket, s3_endpoint: endpoint, region_name: "us-east-1" },
      secrets: { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey },
    };
  }
}
