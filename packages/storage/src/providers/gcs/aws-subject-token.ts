import { createHmac, hash } from "node:crypto";
import type { AwsKeys } from "../provider-deps.ts";

/** For whom a request to AWS is signed. */
export interface CallerIdentityOptions {
  readonly region: string;
  /** The provider of the pool: part of what is signed, so no other provider can use the request. */
  readonly audience: string;
  readonly nowMs?: number | undefined;
}

/** Header by which Google knows that a request was signed for one of its providers. */
const TARGET = "x-goog-cloud-target-resource";

/**
 * A GetCallerIdentity request, signed and not sent: Google sends it to AWS and so learns who signed it. The result is a
 * subject token of the type `aws4_request`: the request as JSON, escaped for a URL.
 */
export function signCallerIdentity(
  keys: AwsKeys,
  { region, audience, nowMs = Date.now() }: CallerIdentityOptions,
): string {
  const host = `sts.${region}.amazonaws.com`;
  const query = "Action=GetCallerIdentity&Version=2011-06-15";
  const date = new Date(nowMs).toISOString().replace(/\.\d+|[-:]/g, "");
  // In the order of their names: the signature wants them sorted.
  const headers: readonly (readonly [string, string])[] = [
    ["host", host],
    ["x-amz-date", date],
    ...(keys.sessionToken === undefined
      ? []
      : [["x-amz-security-token", keys.sessionToken.reveal()] as const]),
    [TARGET, audience],
  ];
  const names = headers.map(([name]) => name).join(";");
  const lines = headers.map(([name, value]) => `${name}:${value}\n`).join("");
  const canonical = `POST\n/\n${query}\n${lines}\n${names}\n${hash("sha256", "")}`;
  const scope = `${date.slice(0, 8)}/${region}/sts/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${hash("sha256", canonical)}`;
  const secret = Buffer.from(`AWS4${keys.secretAccessKey.reveal()}`);
  const signature = hmac(scope.split("/").reduce<Buffer>(hmac, secret), text).toString("hex");
  const authorization = `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return encodeURIComponent(
    JSON.stringify({
      url: `https://${host}?${query}`,
      method: "POST",
      headers: [...headers, ["authorization", authorization]].map(([key, value]) => ({
        key,
        value,
      })),
    }),
  );
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
