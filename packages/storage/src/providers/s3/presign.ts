import { createHmac, createSecretKey, hash, type KeyObject } from "node:crypto";
import { AppError } from "@bucketbridge/core";
import type { PresignOptions } from "../../driver.ts";
import type { SigningPlace } from "./client.ts";
import type { AwsSession } from "./sessions.ts";

/** S3's own limit of a signature's life. */
const MAX_TTL_SECONDS = 604_800;

/** What is signed, and when. */
export interface PresignRequest {
  readonly key: string;
  readonly options: PresignOptions;
  /** The account that must own the bucket. */
  readonly expectedOwner?: string | undefined;
  readonly nowMs: number;
}

/**
 * Signs URLs by AWS Signature Version 4 in the query, without a request and many times as fast as the SDK's presigner, which
 * matters for a task list full of media. The key of a day and region is derived once.
 */
export class Presigner {
  #signing: { readonly id: string; readonly key: KeyObject } | undefined;

  /**
   * The life is cut to the seven days that S3 allows and to what is left of the session, with which the URL dies. A key with a `.` or `..` segment is `unsupported`, because every web
   * client would take it out of the URL.
   */
  sign(
    place: SigningPlace,
    session: AwsSession,
    { key, options, expectedOwner, nowMs }: PresignRequest,
  ): URL {
    const { accessKeyId, sessionToken, expiresAtMs = Infinity } = session;
    const signedMs = roundDown(nowMs, (options.windowSeconds ?? 0) * 1_000);
    const leftSeconds = (expiresAtMs - signedMs) / 1_000;
    const ttlSeconds = Math.min(options.ttlSeconds, MAX_TTL_SECONDS, leftSeconds);
    const date = toAmzDate(signedMs);
    const scope = `${date.slice(0, 8)}/${place.region}/${place.service}/aws4_request`;
    const path = `${place.url.pathname.replace(/\/$/, "")}/${key.split("/").map(encode).join("/")}`;
    const query = toQuery([
      ["X-Amz-Algorithm", "AWS4-HMAC-SHA256"],
      ["X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"],
      ["X-Amz-Credential", `${accessKeyId}/${scope}`],
      ["X-Amz-Date", date],
      ["X-Amz-Expires", String(Math.floor(ttlSeconds))],
      ["X-Amz-Security-Token", sessionToken?.reveal()],
      ["X-Amz-SignedHeaders", "host"],
      ["response-content-disposition", options.disposition],
      ["response-content-type", options.contentType],
      ["x-amz-expected-bucket-owner", expectedOwner],
    ]);
    const { protocol, host } = place.url;
    const canonical = `${options.method}\n${path}\n${query}\nhost:${host}\n\nhost\nUNSIGNED-PAYLOAD`;
    const text = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${hash("sha256", canonical)}`;
    const signature = hmac(this.#signingKey(session, scope), text).toString("hex");
    const url = new URL(`${protocol}//${host}${path}?${query}&X-Amz-Signature=${signature}`);
    if (url.pathname === path) return url;
    throw new AppError({
      code: "unsupported",
      reason: "s3.unsignable_key",
      message: 'no URL can be signed for a key with a "." or ".." segment',
    });
  }

  /** As an object of Node's: making one of a buffer's bytes for each signature would take most of its time. */
  #signingKey({ accessKeyId, secretAccessKey }: AwsSession, scope: string): KeyObject {
    const id = `${accessKeyId}/${scope}`;
    if (this.#signing?.id !== id) {
      const secret = Buffer.from(`AWS4${secretAccessKey.reveal()}`);
      const key = createSecretKey(scope.split("/").reduce<Buffer>(hmac, secret));
      this.#signing = { id, key };
    }
    return this.#signing.key;
  }
}

function roundDown(ms: number, stepMs: number): number {
  return stepMs > 0 ? Math.floor(ms / stepMs) * stepMs : ms;
}

/** `20261126T081542Z` */
function toAmzDate(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+|[-:]/g, "");
}

function toQuery(
  parameters: readonly (readonly [name: string, value: string | undefined])[],
): string {
  // In the order of their bytes already: S3 wants them sorted.
  return parameters
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encode(value)}`]))
    .join("&");
}

/** Everything but letters, digits and `-_.~`, as the signature wants it. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function hmac(key: Buffer | KeyObject, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
