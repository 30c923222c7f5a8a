import type { IncomingMessage } from "node:http";
import { AzureFailure } from "./failure.ts";
import type { AzureOperation } from "./options.ts";

/** A request with what it is about: path style, `/account/container/blob`. */
export interface AzureRequest {
  readonly message: IncomingMessage;
  readonly operation: AzureOperation;
  /** As it was sent, encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly account: string;
  readonly container: string;
  readonly blob: string;
  readonly body: Buffer;
}

/** Reads the body and finds the operation. Throws for what the fake does not know. */
export async function readRequest(message: IncomingMessage): Promise<AzureRequest> {
  const [path = "", ...search] = (message.url ?? "/").split("?");
  const query = new URLSearchParams(search.join("?").replaceAll("+", "%2B"));
  const [, account = "", container = "", ...rest] = path.split("/").map(decodeURIComponent);
  const blob = rest.join("/");
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const operation = findOperation(message.method ?? "", { blob, query });
  return { message, operation, path, query, account, container, blob, body: Buffer.concat(chunks) };
}

function findOperation(
  method: string,
  { blob, query }: { readonly blob: string; readonly query: URLSearchParams },
): AzureOperation {
  const comp = query.get("comp");
  if (method === "POST" && comp === "userdelegationkey") return "delegation_key";
  if (blob === "" && method === "GET" && comp === "list") return "list";
  if (blob !== "" && comp === null) {
    if (method === "GET") return "get";
    if (method === "HEAD") return "head";
    if (method === "PUT") return "put";
    if (method === "DELETE") return "delete";
  }
  throw new AzureFailure(501, "NotImplemented", { message: `The fake does not know ${method}` });
}
