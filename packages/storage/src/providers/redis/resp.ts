/** An error that the server answered: `WRONGPASS invalid username-password pair …`. */
export class RedisReplyError extends Error {
  override readonly name = "RedisReplyError";

  /** The first word, which tells what it is: `WRONGPASS`, `ERR`. */
  get word(): string {
    return /^[A-Z][A-Z0-9_]{0,31}\b/.exec(this.message)?.[0] ?? "";
  }
}

/** The server's answer is none of the protocol, or larger than any that was asked for. The connection is of no use any more. */
export class RedisProtocolError extends Error {
  override readonly name = "RedisProtocolError";
}

/** One answer of the protocol's second version (RESP2). Errors inside of arrays are values too. */
export type Reply = Buffer | number | null | RedisReplyError | readonly Reply[];

/** A part of a command: text is sent as UTF-8. */
export type CommandPart = string | Uint8Array;

/** The bytes of one command. */
export function encodeCommand(parts: readonly CommandPart[]): Buffer {
  const pieces: Uint8Array[] = [Buffer.from(`*${String(parts.length)}\r\n`)];
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    pieces.push(Buffer.from(`$${String(bytes.byteLength)}\r\n`), bytes, CRLF);
  }
  return Buffer.concat(pieces);
}

/**
 * What a server may send for one command. The largest that is asked for is a value of 4 MiB; a page of a listing holds a few
 * thousand keys. A server that sends more wants our memory.
 */
export const REPLY_LIMITS = {
  bulkBytes: 16 * 1024 * 1024,
  lineBytes: 64 * 1024,
  /** All bytes of one answer, nested ones included. */
  replyBytes: 32 * 1024 * 1024,
  items: 200_000,
  depth: 4,
} as const;

const CRLF = Buffer.from("\r\n");

interface OpenArray {
  readonly items: Reply[];
  left: number;
}

/** Takes a stream of bytes apart into answers. Not `ioredis`, whose parser a hostile server can make end the process. */
export class ReplyParser {
  readonly #onReply: (reply: Reply) => void;
  /** Bytes of a line that is not complete. */
  #rest: Buffer = Buffer.alloc(0);
  #bulk: { readonly bytes: Buffer; filled: number } | undefined;
  readonly #open: OpenArray[] = [];
  #replyBytes = 0;
  #replyItems = 0;

  constructor(onReply: (reply: Reply) => void) {
    this.#onReply = onReply;
  }

  /** Calls back for each answer that the bytes complete. Throws `RedisProtocolError`; then nothing more may be written. */
  write(chunk: Buffer): void {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (data.length > 0) {
      const rest = this.#bulk === undefined ? this.#takeLine(data) : this.#takeBulk(data);
      if (rest === undefined) break;
      data = rest;
    }
    this.#rest = data;
  }

  /** Undefined: the line is not complete. */
  #takeLine(data: Buffer): Buffer | undefined {
    const end = data.indexOf(CRLF);
    if (end > REPLY_LIMITS.lineBytes || (end === -1 && data.length > REPLY_LIMITS.lineBytes))
      throw new RedisProtocolError("a line of the answer is too long");
    if (end === -1) return undefined;
    this.#count(end);
    this.#onLine(data.toString("latin1", 0, 1), data.subarray(1, end));
    return data.subarray(end + CRLF.length);
  }

  #onLine(type: string, line: Buffer): void {
    switch (type) {
      case "+":
        this.#give(Buffer.from(line));
        return;
      case "-":
        this.#give(new RedisReplyError(line.toString()));
        return;
      case ":":
        this.#give(toInteger(line));
        return;
      case "$":
        this.#openBulk(toInteger(line));
        return;
      case "*":
        this.#openArray(toInteger(line));
        return;
      default:
        throw new RedisProtocolError("the answer is not one of Redis");
    }
  }

  #openBulk(length: number): void {
    if (length === -1) {
      this.#give(null);
      return;
    }
    if (length < 0 || length > REPLY_LIMITS.bulkBytes)
      throw new RedisProtocolError("a value of the answer is too large");
    this.#count(length);
    // Two bytes more, for the line's end.
    this.#bulk = { bytes: Buffer.allocUnsafeSlow(length + CRLF.length), filled: 0 };
  }

  /** Undefined: more bytes are needed. */
  #takeBulk(data: Buffer): Buffer | undefined {
    const bulk = this.#bulk;
    if (bulk === undefined) return data;
    const taken = data.copy(bulk.bytes, bulk.filled);
    bulk.filled += taken;
    const rest = data.subarray(taken);
    if (bulk.filled < bulk.bytes.length) return rest;
    this.#bulk = undefined;
    if (!bulk.bytes.subarray(-CRLF.length).equals(CRLF))
      throw new RedisProtocolError("a value of the answer does not end where it should");
    this.#give(bulk.bytes.subarray(0, -CRLF.length));
    return rest;
  }

  #openArray(length: number): void {
    if (length === -1) {
      this.#give(null);
      return;
    }
    if (length < 0 || this.#replyItems + length > REPLY_LIMITS.items)
      throw new RedisProtocolError("a list of the answer is too long");
    if (this.#open.length >= REPLY_LIMITS.depth)
      throw new RedisProtocolError("the answer is nested too deeply");
    this.#replyItems += length;
    if (length === 0) this.#give([]);
    else this.#open.push({ items: [], left: length });
  }

  #give(value: Reply): void {
    let done = value;
    for (let top = this.#open.at(-1); top !== undefined; top = this.#open.at(-1)) {
      top.items.push(done);
      top.left--;
      if (top.left > 0) return;
      this.#open.pop();
      done = top.items;
    }
    this.#replyBytes = 0;
    this.#replyItems = 0;
    this.#onReply(done);
  }

  #count(bytes: number): void {
    this.#replyBytes += bytes;
    if (this.#replyBytes > REPLY_LIMITS.replyBytes)
      throw new RedisProtocolError("the answer is too large");
  }
}

function toInteger(line: Buffer): number {
  const text = line.toString("latin1");
  const number = /^-?\d{1,19}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(number)) throw new RedisProtocolError("a number of the answer is none");
  return number;
}

/** The text of an answer that is one. */
export function toText(reply: Reply | undefined): string {
  return Buffer.isBuffer(reply) ? reply.toString() : "";
}
