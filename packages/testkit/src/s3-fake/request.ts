import type { IncomingMessage } from "node:http";
import { S3Failure } from "./failure.ts";
import type { S3Operation, S3Permission } from "./options.ts";
import type { RawRequest } from "./sigv4.ts";

/** A request with what it is about: path style, `/bucket/key`. */
export interface S3Request extends RawRequest {
  readonly operation: S3Operation;
  readonly bucket: string;
  readonly key: string;
}

/** Permission that each operation needs. */
export const PERMISSIONS: Readonly<Record<S3Operation, S3Permission>> = {
  list: "list",
  head_bucket: "list",
  location: "list",
  get: "read",
  head: "read",
  put: "write",
  delete: "delete",
  // Browsers ask without credentials.
  preflight: "list",
};

/** Reads the body and finds the operation. Throws NotImplemented for what the fake does not know. */
export async function readRequest(message: IncomingMessage): Promise<S3Request> {
  const [path, search] = splitOnce(message.url ?? "/", "?");
  const query = new URLSearchParams(search.replaceAll("+", "%2B"));
  const [bucket = "", key = ""] = splitOnce(path.slice(1), "/").map(decodeURIComponent);
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return {
    message,
    path,
    query,
    bucket,
    key,
    body: Buffer.concat(chunks),
    operation: findOperation(message.method ?? "", { bucket, key, query }),
  };
}

function findOperation(
  method: string,
  {
    bucket,
    key,
    query,
  }: { readonly bucket: string; readonly key: string; readonly query: URLSearchParams },
): S3Operation {
  if (method === "OPTIONS") return "preflight";
  if (bucket !== "" && key === "") {
    if (method === "HEAD") return "head_bucket";
    if (method === "GET" && query.has("location")) return "location";
    if (method === "GET" && query.get("list-type") === "2") return "list";
  }
  if (key !== "") {
    if (method === "GET") return "get";
    if (method === "HEAD") return "head";
    if (method === "PUT") return "put";
    if (method === "DELETE") return "delete";
  }
  throw new S3Failure(501, "NotImplemented", {
    message: `The fake does not know ${method} with ${[...query.keys()].join(", ")}`,
  });
}

function splitOnce(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator);
  return index === -1 ? [text, ""] : [text.slice(0, index), text.slice(index + separator.length)];
}
