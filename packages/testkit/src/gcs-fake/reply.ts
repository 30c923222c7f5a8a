import type { Reply } from "../s3-fake/reply.ts";

/** An answer before it is sent. */
export type GcsReply = Reply;

/** An answer with a JSON document. */
export function jsonReply(
  status: number,
  document: unknown,
  headers: Readonly<Record<string, string>> = {},
): GcsReply {
  return textReply(status, JSON.stringify(document), "application/json; charset=UTF-8", headers);
}

/** An answer with a text. */
export function textReply(
  status: number,
  text: string,
  contentType: string,
  headers: Readonly<Record<string, string>> = {},
): GcsReply {
  const body = Buffer.from(text);
  return {
    status,
    headers: { "content-type": contentType, ...headers },
    length: body.length,
    chunks: [body],
  };
}
