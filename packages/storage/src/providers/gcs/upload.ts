import { hash } from "node:crypto";
import type { PutRequest } from "../../driver.ts";
import type { BucketCall } from "./client.ts";

/** What a put's answer shall tell; reading the object back would need another permission. */
export const OBJECT_FIELDS = "name,size,generation,updated,contentType";

const BOUNDARY = "bucketbridge-4f2d7c1e9a";

/** An upload in one request. Its MD5 stands before the bytes, so the store refuses what the network changed. */
export function toUploadCall(
  { key, body, contentType = "application/octet-stream", condition }: PutRequest,
  kmsKeyName: string | undefined,
): BucketCall {
  const metadata = { name: key, contentType, md5Hash: hash("md5", body, "base64") };
  const head =
    `--${BOUNDARY}\r\ncontent-type: application/json; charset=utf-8\r\n\r\n${JSON.stringify(metadata)}\r\n` +
    `--${BOUNDARY}\r\ncontent-type: ${contentType}\r\n\r\n`;
  return {
    method: "POST",
    upload: true,
    query: {
      uploadType: "multipart",
      fields: OBJECT_FIELDS,
      ifGenerationMatch: condition?.kind === "absent" ? "0" : condition?.etag,
      kmsKeyName,
    },
    headers: { "content-type": `multipart/related; boundary=${BOUNDARY}` },
    body: Buffer.concat([Buffer.from(head), body, Buffer.from(`\r\n--${BOUNDARY}--`)]),
  };
}
