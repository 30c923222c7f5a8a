import type { IncomingMessage } from "node:http";
import { GcsFailure } from "./failure.ts";
import type { GcsOperation } from "./options.ts";

/** A request with what it is about. */
export interface GcsRequest {
  readonly operation: GcsOperation;
  readonly method: string;
  /** As it was sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  /** The bucket, or the account of a call of IAM. */
  readonly subject: string;
  readonly key: string | undefined;
}

type Route = readonly [method: string, path: RegExp, operation: GcsOperation];

const ROUTES: readonly Route[] = [
  ["POST", /^\/token$/, "token"],
  ["POST", /^\/v1\/token$/, "exchange"],
  ["POST", /^\/v1\/projects\/-\/serviceAccounts\/([^/]+):generateAccessToken$/, "generate_token"],
  ["POST", /^\/v1\/projects\/-\/serviceAccounts\/([^/]+):signBlob$/, "sign_blob"],
  [
    "GET",
    /^\/computeMetadata\/v1\/instance\/service-accounts\/default\/(token|email)$/,
    "metadata",
  ],
  ["GET", /^\/storage\/v1\/b\/([^/]+)\/o$/, "list"],
  ["GET", /^\/storage\/v1\/b\/([^/]+)\/o\/([^/]+)$/, "get"],
  ["DELETE", /^\/storage\/v1\/b\/([^/]+)\/o\/([^/]+)$/, "delete"],
  ["POST", /^\/upload\/storage\/v1\/b\/([^/]+)\/o$/, "insert"],
  ["GET", /^\/([^/]+)\/(.+)$/, "fetch"],
  ["HEAD", /^\/([^/]+)\/(.+)$/, "fetch"],
];

/** Reads the body and finds the operation. Throws 404 for what the fake does not know. */
export async function readRequest(message: IncomingMessage): Promise<GcsRequest> {
  const url = message.url ?? "/";
  const cut = url.indexOf("?");
  const path = cut === -1 ? url : url.slice(0, cut);
  const query = new URLSearchParams(cut === -1 ? "" : url.slice(cut + 1).replaceAll("+", "%2B"));
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const method = message.method ?? "";
  for (const [wanted, pattern, operation] of ROUTES) {
    const found = wanted === method ? pattern.exec(path) : null;
    if (found === null) continue;
    return {
      operation: operation === "get" && query.get("alt") === "media" ? "media" : operation,
      method,
      path,
      query,
      headers: message.headers,
      body: Buffer.concat(chunks),
      subject: decodeURIComponent(found[1] ?? ""),
      key: found[2] === undefined ? undefined : decodeURIComponent(found[2]),
    };
  }
  throw new GcsFailure(404, "notFound", `The fake does not know ${method} ${path}`);
}
