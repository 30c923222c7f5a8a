import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { S3Failure } from "./failure.ts";
import type { S3FaultKind } from "./faults.ts";

/** An answer before it is sent. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes that `chunks` give in all; the announced length also where a HEAD sends none of them. */
  readonly length: number;
  readonly chunks: Iterable<Buffer>;
}

/** An answer with an XML document. */
export function xmlReply(
  status: number,
  xml: string | readonly Buffer[],
  headers: Reply["headers"] = {},
): Reply {
  const chunks = typeof xml === "string" ? [Buffer.from(xml)] : xml;
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return { status, headers: { "content-type": "application/xml", ...headers }, length, chunks };
}

/** An answer without a body. */
export function emptyReply(status: number, headers: Reply["headers"] = {}): Reply {
  return { status, headers, length: 0, chunks: [] };
}

/** S3's error document. */
export function failureReply(failure: S3Failure): Reply {
  return xmlReply(failure.status, failure.toXml(), failure.headers);
}

/** Sends a reply with back-pressure, cut or stalled where a fault says so. `onBytes` counts what left for the client. */
export async function sendReply(
  response: ServerResponse,
  reply: Reply,
  fault: S3FaultKind | undefined,
  onBytes: (count: number) => void,
): Promise<void> {
  const isHead = response.req.method === "HEAD";
  response.writeHead(reply.status, { ...reply.headers, "content-length": String(reply.length) });
  if (isHead) {
    response.end();
    return;
  }
  let left = fault?.kind === "cut" || fault?.kind === "stall" ? fault.afterBytes : Infinity;
  if (left === 0) response.flushHeaders();
  for (const chunk of reply.chunks) {
    if (response.destroyed || left === 0) break;
    const part = chunk.length > left ? chunk.subarray(0, left) : chunk;
    left -= part.length;
    onBytes(part.length);
    if (!response.write(part)) await drained(response);
    if (fault?.kind === "slow") await delay((part.length / fault.bytesPerSecond) * 1_000);
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
