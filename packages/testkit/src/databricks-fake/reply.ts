import type { ServerResponse } from "node:http";
import type { DatabricksFailure, OAuthFailure } from "./failure.ts";
import type { DatabricksFaultKind } from "./faults.ts";

/** An answer before it is sent. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** An answer with a document. */
export function jsonReply(status: number, json: string, headers: Reply["headers"] = {}): Reply {
  return {
    status,
    headers: { "content-type": "application/json", ...headers },
    body: Buffer.from(json),
  };
}

/** An answer without a body. */
export function emptyReply(status: number, headers: Reply["headers"] = {}): Reply {
  return { status, headers, body: Buffer.alloc(0) };
}

/** The document of an error. */
export function failureReply(failure: DatabricksFailure | OAuthFailure): Reply {
  const headers = "headers" in failure ? failure.headers : {};
  return jsonReply(failure.status, failure.toJson(), headers);
}

const CHUNK_BYTES = 65_536;

/** Sends a reply with back-pressure, cut or stalled where a fault says so. */
export async function sendReply(
  response: ServerResponse,
  { status, headers, body }: Reply,
  fault: DatabricksFaultKind | undefined,
): Promise<void> {
  const announced = headers["content-length"] ?? String(body.length);
  response.writeHead(status, { ...headers, "content-length": announced });
  if (response.req.method === "HEAD") {
    response.end();
    return;
  }
  const isShort = fault?.kind === "cut" || fault?.kind === "stall";
  const sent = isShort ? body.subarray(0, fault.afterBytes) : body;
  response.flushHeaders();
  for (let start = 0; start < sent.length && !response.destroyed; start += CHUNK_BYTES) {
    if (!response.write(sent.subarray(start, start + CHUNK_BYTES))) await drained(response);
  }
  if (fault?.kind === "stall") return;
  // destroySoon: the bytes before the cut still arrive.
  if (fault?.kind === "cut") response.socket?.destroySoon();
  else response.end();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}
