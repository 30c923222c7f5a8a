import type { Socket } from "node:net";
import { RedisFault } from "./errors.ts";
import {
  encodeCommand,
  RedisProtocolError,
  RedisReplyError,
  ReplyParser,
  type CommandPart,
  type Reply,
} from "./resp.ts";

/** A server that owes an answer and sends nothing for this long is given up, with everybody who waits. */
const SILENCE_MS = 60_000;

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One connection: commands go out at once, answers come in their order. When anything goes wrong (the socket ends, an
 * answer that nobody asked for, silence) all who wait are rejected with the same error and the session is over.
 */
export class RedisSession {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  readonly #parser = new ReplyParser((reply) => {
    this.#onReply(reply);
  });
  #silence: NodeJS.Timeout | undefined;
  #failure: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#onData(chunk);
    });
    socket.on("error", (error) => {
      this.fail(error);
    });
    socket.on("close", () => {
      this.fail(lost());
    });
    if (socket.destroyed) this.fail(lost());
  }

  /** False once nothing can be sent any more. */
  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /** The server's answer; rejects with `RedisReplyError` where it is an error, else with what ended the session. */
  send(...parts: readonly CommandPart[]): Promise<Reply> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#listenForSilence();
      this.#socket.write(encodeCommand(parts));
    });
  }

  /** The answers of several commands, sent in one piece. Errors of single ones are values. */
  sendAll(commands: readonly (readonly CommandPart[])[]): Promise<readonly Reply[]> {
    this.#socket.cork();
    const answers = commands.map((parts) => this.send(...parts).catch(asValue));
    this.#socket.uncork();
    return Promise.all(answers);
  }

  /** Ends the session; everybody who waits is rejected with the error. Idempotent. */
  fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    clearTimeout(this.#silence);
    this.#socket.destroy();
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #onData(chunk: Buffer): void {
    if (this.#failure !== undefined) return;
    try {
      this.#parser.write(chunk);
    } catch (error) {
      this.fail(error instanceof Error ? error : lost());
    }
    this.#listenForSilence();
  }

  #onReply(reply: Reply): void {
    const next = this.#waiting.shift();
    if (next === undefined) throw new RedisProtocolError("an answer came that nobody asked for");
    if (reply instanceof RedisReplyError) next.reject(reply);
    else next.resolve(reply);
  }

  #listenForSilence(): void {
    clearTimeout(this.#silence);
    if (this.#waiting.length === 0 || this.#failure !== undefined) return;
    this.#silence = setTimeout(() => {
      this.fail(new RedisFault({ code: "timeout", reason: "redis.timeout", detail: SILENT }));
    }, SILENCE_MS);
  }
}

const SILENT = "the server did not answer in time";

function asValue(error: unknown): RedisReplyError {
  if (error instanceof RedisReplyError) return error;
  throw error;
}

function lost(): RedisFault {
  return new RedisFault({
    code: "unavailable",
    reason: "redis.connection_lost",
    detail: "the connection was lost",
  });
}
