import { AppError, redactText, type Logger } from "@bucketbridge/core";
import { Redis, type RedisOptions } from "ioredis";

/** ioredis 6.0.0 marks this one as not to be passed when it is undefined. */
export type LinkOptions = Omit<RedisOptions, "replyMapping">;

/** One connection to Redis that knows whether the server is away, and says so once per outage. */
export class RedisLink {
  readonly redis: Redis;
  readonly #log: Logger;
  #isAway = false;

  constructor(url: string, options: LinkOptions, log: Logger) {
    this.#log = log;
    this.redis = new Redis(url, options);
    this.redis.on("error", (error: Error) => {
      this.#noteAway(error.message);
    });
    this.redis.on("close", () => {
      this.#noteAway("connection closed");
    });
    this.redis.on("ready", () => {
      if (this.#isAway) log.info({}, "queue.redis.back");
      this.#isAway = false;
    });
  }

  /**
   * Resolves when commands can be sent. While the first connection is being made it waits; during an outage it rejects
   * at once with `unavailable`.
   */
  async whenReady(): Promise<void> {
    if (this.redis.status === "ready") return;
    if (this.#isAway || this.redis.status === "end") throw awayError();
    await new Promise<void>((resolve, reject) => {
      const settle = (): void => {
        this.redis.off("ready", settle);
        this.redis.off("close", settle);
        this.redis.off("end", settle);
        if (this.redis.status === "ready") resolve();
        else reject(awayError());
      };
      this.redis.once("ready", settle);
      this.redis.once("close", settle);
      this.redis.once("end", settle);
    });
  }

  /** Ends the connection; commands that are on their way are rejected. Idempotent. */
  disconnect(): void {
    // The end is wanted: no line about an outage.
    this.#isAway = true;
    this.redis.disconnect();
  }

  #noteAway(message: string): void {
    if (this.#isAway) return;
    this.#isAway = true;
    this.#log.warn({ message: redactText(message) }, "queue.redis.away");
  }
}

function awayError(): AppError {
  return new AppError({
    code: "unavailable",
    message: "the queue's Redis is away; work goes on once it is back",
    op: "queue.connect",
  });
}
