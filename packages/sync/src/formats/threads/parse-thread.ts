import { Worker, type Transferable } from "node:worker_threads";
import { AppError, PARSE_HEAP_MIB, PARSE_TIMEOUT_MS } from "@bucketbridge/core";
import type { FileProblemCode } from "../items.ts";
import { parquetProblem } from "../parquet/problems.ts";
import type { ParseAnswer, ParseMessage, ParseRequestName, ParseRequests } from "./requests.ts";

/** Bounds of one thread; the defaults are `PARSE_HEAP_MIB` and `PARSE_TIMEOUT_MS`. */
export interface ParseThreadLimits {
  readonly heapMib?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

const LIMIT_MESSAGE = "reading it takes more memory or time than one row or file may: split it";

/**
 * One worker thread, for one user at a time. A request that takes too long, or fills its heap in JavaScript, ends the thread and throws the problem
 * `parse_limit`; the thread is then dead and of no further use. The limit of the heap is no safety net for native code: V8 ends the whole
 * process when `JSON.parse` or a single large array meets it. So what a request will take is estimated before it is made, well below the limit
 * (`MAX_PARSED_BYTES`).
 */
export class ParseThread {
  readonly #worker: Worker;
  readonly #timeoutMs: number;
  #isDead = false;
  #waiting:
    | {
        readonly resolve: (answer: ParseAnswer) => void;
        readonly reject: (error: AppError) => void;
      }
    | undefined;

  constructor(limits: ParseThreadLimits) {
    this.#timeoutMs = limits.timeoutMs ?? PARSE_TIMEOUT_MS;
    this.#worker = new Worker(new URL("./thread-entry.ts", import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: limits.heapMib ?? PARSE_HEAP_MIB },
    });
    // An idle thread must not keep the process alive; one at work has a request that does.
    this.#worker.unref();
    this.#worker.on("message", (answer: ParseAnswer) => {
      this.#waiting?.resolve(answer);
    });
    this.#worker.on("error", (error: Error & { code?: string }) => {
      this.#die(error.code === "ERR_WORKER_OUT_OF_MEMORY" ? limitReached() : failed(error));
    });
    this.#worker.on("exit", () => {
      this.#die(failed(undefined));
    });
  }

  /** True when no further request can be made. */
  get isDead(): boolean {
    return this.#isDead;
  }

  /**
   * Makes one request; not before the one before has its answer. Buffers in `transfer` move to the thread. Throws Parquet problems,
   * `parse_limit` among them.
   */
  async ask<Name extends ParseRequestName>(
    name: Name,
    input: ParseRequests[Name]["in"],
    transfer: readonly Transferable[] = [],
  ): Promise<ParseRequests[Name]["out"]> {
    if (this.#isDead) throw failed("it has ended");
    const message: ParseMessage<Name> = { name, input };
    const answer = await this.#exchange(message, transfer);
    if (answer.kind === "output") return answer.output as ParseRequests[Name]["out"];
    if (answer.kind === "problem")
      throw parquetProblem(answer.code as FileProblemCode, answer.message);
    throw new AppError({
      code: "internal",
      op: "parse.thread",
      message: `a parsing thread failed: ${answer.message}`,
    });
  }

  /** Ends the thread; a request under way throws `canceled`. Idempotent. */
  async close(): Promise<void> {
    this.#die(
      new AppError({
        code: "canceled",
        op: "parse.thread",
        message: "the process is shutting down",
      }),
    );
    await this.#worker.terminate();
  }

  #exchange(message: ParseMessage, transfer: readonly Transferable[]): Promise<ParseAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<ParseAnswer>();
    this.#waiting = { resolve, reject };
    this.#worker.ref();
    const timer = setTimeout(() => {
      this.#die(limitReached());
      void this.#worker.terminate();
    }, this.#timeoutMs);
    this.#worker.postMessage(message, transfer);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiting = undefined;
      this.#worker.unref();
    });
  }

  /** Also called after the end has a reason already: the first one counts. */
  #die(reason: AppError): void {
    this.#isDead = true;
    this.#waiting?.reject(reason);
  }
}

function limitReached(): AppError {
  return parquetProblem("parse_limit", LIMIT_MESSAGE);
}

function failed(cause: unknown): AppError {
  return new AppError({
    code: "internal",
    op: "parse.thread",
    message: "a parsing thread failed",
    cause,
  });
}
