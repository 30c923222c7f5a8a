import { hash } from "node:crypto";
import { AppError, untilAborted } from "@bucketbridge/core";
import type { PresignOptions } from "../../driver.ts";
import type { UrlSigner } from "./identity.ts";

/** Where a signed URL leads. */
export interface SigningPlace {
  readonly origin: string;
  readonly bucket: string;
}

/** What is signed, and when. */
export interface PresignRequest {
  readonly key: string;
  readonly options: PresignOptions;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** Signatures that are remembered: each one is a request to IAM, or a millisecond of a processor. */
const MAX_REMEMBERED = 5_000;
/** Several callers wait for one signature, so none of their signals may end the request for it. */
const SIGN_TIMEOUT_MS = 10_000;

/** Signs URLs by Google's Signature Version 4. Equal URLs are signed once. */
export class Presigner {
  readonly #signatures = new Map<string, Promise<Buffer>>();

  /**
   * The life is cut to what the signer's key lasts, and the time window to half of the life, so that no URL is born dead. A
   * key with a `.` or `..` segment is `unsupported`, because every web client would take it out of the URL.
   */
  async sign(
    signer: UrlSigner,
    place: SigningPlace,
    { key, options, nowMs, signal }: PresignRequest,
  ): Promise<URL> {
    const ttlSeconds = Math.min(Math.floor(options.ttlSeconds), signer.maxTtlSeconds);
    const windowSeconds = Math.min(options.windowSeconds ?? 0, Math.floor(ttlSeconds / 2));
    const date = toGoogDate(roundDown(nowMs, windowSeconds * 1_000));
    const scope = `${date.slice(0, 8)}/auto/storage/goog4_request`;
    const path = `/${place.bucket}/${key.split("/").map(encode).join("/")}`;
    const query = toQuery([
      ["X-Goog-Algorithm", "GOOG4-RSA-SHA256"],
      ["X-Goog-Credential", `${signer.email}/${scope}`],
      ["X-Goog-Date", date],
      ["X-Goog-Expires", String(ttlSeconds)],
      ["X-Goog-SignedHeaders", "host"],
      ["response-content-disposition", options.disposition],
      ["response-content-type", options.contentType],
    ]);
    const { host } = new URL(place.origin);
    const canonical = `${options.method}\n${path}\n${query}\nhost:${host}\n\nhost\nUNSIGNED-PAYLOAD`;
    const text = `GOOG4-RSA-SHA256\n${date}\n${scope}\n${hash("sha256", canonical)}`;
    const url = new URL(`${place.origin}${path}?${query}`);
    if (url.pathname !== path) throw unsignable();
    const signature = await this.#signOnce(signer, text, signal);
    return new URL(`${url.href}&X-Goog-Signature=${signature.toString("hex")}`);
  }

  #signOnce(signer: UrlSigner, text: string, signal: AbortSignal): Promise<Buffer> {
    const known = this.#signatures.get(text);
    if (known !== undefined) return untilAborted(known, signal);
    const signature = signer.sign(text, AbortSignal.timeout(SIGN_TIMEOUT_MS));
    if (this.#signatures.size >= MAX_REMEMBERED) this.#forgetOldest();
    this.#signatures.set(text, signature);
    // A failure is not remembered; the next one asks again.
    signature.catch(() => this.#signatures.delete(text));
    return untilAborted(signature, signal);
  }

  #forgetOldest(): void {
    const [oldest] = this.#signatures.keys();
    if (oldest !== undefined) this.#signatures.delete(oldest);
  }
}

function unsignable(): AppError {
  return new AppError({
    code: "unsupported",
    reason: "gcs.unsignable_key",
    message: 'no URL can be signed for a key with a "." or ".." segment',
  });
}

function roundDown(ms: number, stepMs: number): number {
  return stepMs > 0 ? Math.floor(ms / stepMs) * stepMs : ms;
}

/** `20261126T081542Z` */
function toGoogDate(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+|[-:]/g, "");
}

function toQuery(
  parameters: readonly (readonly [name: string, value: string | undefined])[],
): string {
  // In the order of their bytes already: the signature wants them sorted.
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
