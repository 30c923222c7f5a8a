import type { Egress } from "../../egress/egress.ts";
import { MALFORMED } from "./error-table.ts";
import { DatabricksRefusal } from "./errors.ts";

type Dispatcher = Egress["dispatcher"];

/** The answer to a request. Its body must be read or destroyed. */
export type Answer = Awaited<ReturnType<Dispatcher["request"]>>;

/** One request to the workspace. */
export interface Sending {
  readonly method: "GET" | "HEAD" | "PUT" | "DELETE" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | undefined;
  readonly signal: AbortSignal;
}

/** Sends requests to one workspace. Follows no redirect, repeats nothing. */
export class Sender {
  readonly #origin: string;
  readonly #dispatcher: Dispatcher;
  readonly #timeoutMs: number;

  constructor(host: string, dispatcher: Dispatcher, timeoutMs: number) {
    this.#origin = new URL(host).origin;
    this.#dispatcher = dispatcher;
    this.#timeoutMs = timeoutMs;
  }

  send({ method, path, headers, body, signal }: Sending): Promise<Answer> {
    return this.#dispatcher.request({
      origin: this.#origin,
      method,
      path,
      headers: { ...headers },
      signal,
      headersTimeout: this.#timeoutMs,
      bodyTimeout: this.#timeoutMs,
      ...(body === undefined ? {} : { body }),
    });
  }
}

/** A page of 1,000 long names, each character escaped, has some 3 MB; a host could send for ever. Eight come at a time. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024;

/** A small body as text. One that does not end is refused. */
export async function readText(body: Answer["body"]): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_TEXT_BYTES) throw new DatabricksRefusal(MALFORMED);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
