import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { failures, S3Failure } from "./failure.ts";
import type { S3AccessKey } from "./options.ts";

/** What a signature says about its request. */
export interface Signed {
  readonly accessKey: S3AccessKey;
  readonly region: string;
  readonly presigned: boolean;
}

/** A request as it arrived: the path and query exactly as they were sent. */
export interface RawRequest {
  readonly message: IncomingMessage;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
}

interface Claim {
  readonly credential: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly date: string;
  readonly payloadHash: string;
  readonly token: string | undefined;
  readonly expiresSeconds: number | undefined;
}

const MAX_SKEW_MS = 15 * 60_000;
const MAX_EXPIRES_SECONDS = 604_800;

/** By which clock, and for which service's name in the scope. */
export interface VerifyOptions {
  readonly nowMs: number;
  readonly service: "s3" | "sts";
}

/** Checks an AWS Signature Version 4, in the header or in the query. Throws the failure that S3 would answer. */
export function verifySignature(
  request: RawRequest,
  accessKeys: readonly S3AccessKey[],
  { nowMs, service }: VerifyOptions,
): Signed {
  const presigned = request.query.has("X-Amz-Signature");
  const claim = presigned ? claimOfQuery(request.query) : claimOfHeader(request.message);
  const [accessKeyId = "", day = "", region = "", signedService, terminator] =
    claim.credential.split("/");
  const accessKey = accessKeys.find((key) => key.accessKeyId === accessKeyId);
  if (accessKey === undefined) {
    throw new S3Failure(403, "InvalidAccessKeyId", {
      message: "The AWS Access Key Id you provided does not exist in our records.",
      extra: { AWSAccessKeyId: accessKeyId },
    });
  }
  const scope = [day, region, service, terminator].join("/");
  if (signedService !== service || terminator !== "aws4_request" || !claim.date.startsWith(day))
    throw mismatch();
  checkTime(claim, nowMs);
  checkToken(claim.token, accessKey, nowMs);
  const text = [
    "AWS4-HMAC-SHA256",
    claim.date,
    scope,
    sha256(canonicalRequest(request, claim)),
  ].join("\n");
  const key = signingKey(accessKey.secretAccessKey, [day, region, service]);
  const expected = hmac(key, text).toString("hex");
  if (!equal(expected, claim.signature)) throw mismatch();
  if (/^[0-9a-f]{64}$/.test(claim.payloadHash) && sha256(request.body) !== claim.payloadHash) {
    throw new S3Failure(400, "XAmzContentSHA256Mismatch");
  }
  return { accessKey, region, presigned };
}

function claimOfHeader({ headers }: IncomingMessage): Claim {
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)$/.exec(
      headers.authorization ?? "",
    );
  if (parts === null) throw failures.accessDenied();
  const [, credential = "", signedHeaders = "", signature = ""] = parts;
  return {
    credential,
    signedHeaders: signedHeaders.split(";"),
    signature,
    date: headerOf(headers, "x-amz-date") ?? "",
    payloadHash: headerOf(headers, "x-amz-content-sha256") ?? "",
    token: headerOf(headers, "x-amz-security-token"),
    expiresSeconds: undefined,
  };
}

function claimOfQuery(query: URLSearchParams): Claim {
  return {
    credential: query.get("X-Amz-Credential") ?? "",
    signedHeaders: (query.get("X-Amz-SignedHeaders") ?? "").split(";"),
    signature: query.get("X-Amz-Signature") ?? "",
    date: query.get("X-Amz-Date") ?? "",
    payloadHash: query.get("X-Amz-Content-Sha256") ?? "UNSIGNED-PAYLOAD",
    token: query.get("X-Amz-Security-Token") ?? undefined,
    expiresSeconds: Number(query.get("X-Amz-Expires") ?? "0"),
  };
}

function checkTime({ date, expiresSeconds }: Claim, nowMs: number): void {
  const iso = date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z");
  const signedMs = Date.parse(iso);
  if (Number.isNaN(signedMs))
    throw failures.accessDenied("AWS authentication requires a valid Date");
  if (expiresSeconds === undefined) {
    if (Math.abs(nowMs - signedMs) <= MAX_SKEW_MS) return;
    throw new S3Failure(403, "RequestTimeTooSkewed", {
      message: "The difference between the request time and the current time is too large.",
    });
  }
  if (!(expiresSeconds >= 1 && expiresSeconds <= MAX_EXPIRES_SECONDS)) {
    throw new S3Failure(400, "AuthorizationQueryParametersError", {
      message: "X-Amz-Expires must be between 1 and 604800 seconds",
    });
  }
  if (nowMs > signedMs + expiresSeconds * 1_000) throw failures.accessDenied("Request has expired");
  if (signedMs > nowMs + MAX_SKEW_MS) throw failures.accessDenied("Request is not yet valid");
}

function checkToken(token: string | undefined, accessKey: S3AccessKey, nowMs: number): void {
  if (accessKey.expired === true || nowMs >= (accessKey.expiresAtMs ?? Infinity)) {
    throw new S3Failure(400, "ExpiredToken", { message: "The provided token has expired." });
  }
  if (token === accessKey.sessionToken) return;
  throw new S3Failure(400, "InvalidToken", {
    message: "The provided token is malformed or otherwise invalid.",
  });
}

function canonicalRequest({ message, path, query, body }: RawRequest, claim: Claim): string {
  const pairs = [...query]
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => [encodeStrict(name), encodeStrict(value)] as const)
    .sort(([nameA, valueA], [nameB, valueB]) => order(nameA, nameB) || order(valueA, valueB));
  const headers = claim.signedHeaders.map(
    (name) => `${name}:${(headerOf(message.headers, name) ?? "").trim().replace(/ +/g, " ")}\n`,
  );
  return [
    message.method ?? "",
    path
      .split("/")
      .map((part) => encodeStrict(decodeURIComponent(part)))
      .join("/"),
    pairs.map(([name, value]) => `${name}=${value}`).join("&"),
    headers.join(""),
    claim.signedHeaders.join(";"),
    // Services other than S3 sign the hash of the body without a header that names it.
    claim.payloadHash === "" ? sha256(body) : claim.payloadHash,
  ].join("\n");
}

function signingKey(secret: string, scope: readonly string[]): Buffer {
  return [...scope, "aws4_request"].reduce<Buffer>(hmac, Buffer.from(`AWS4${secret}`));
}

function headerOf(headers: IncomingMessage["headers"], name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}

function encodeStrict(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function mismatch(): S3Failure {
  return new S3Failure(403, "SignatureDoesNotMatch", {
    message:
      "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
  });
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function sha256(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function equal(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
