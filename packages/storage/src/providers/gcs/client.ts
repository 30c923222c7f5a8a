import { AppError } from "@bucketbridge/core";
import type { Egress } from "../../egress/egress.ts";
import { GoogleFailure, sendRequest, type GoogleAnswer } from "./google-request.ts";
import type { GoogleIdentity } from "./identity.ts";

/** What a client is made with. */
export interface BucketClientDeps {
  readonly egress: Egress;
  readonly identity: GoogleIdentity;
  /** Without a final slash. */
  readonly storageUrl: string;
  /** Undefined while the user has named none; then every call is refused. */
  readonly bucket: string | undefined;
}

/** A call of the JSON API about the bucket. */
export interface BucketCall {
  readonly method: "GET" | "POST" | "DELETE";
  /** Which API: what `/upload` takes is a new object. */
  readonly upload?: boolean;
  /** The object; absent: the list of objects. */
  readonly key?: string;
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** Google's JSON API for one bucket, as one identity. */
export class BucketClient {
  readonly #deps: BucketClientDeps;

  constructor(deps: BucketClientDeps) {
    this.#deps = deps;
  }

  /** Makes a call. A token that ended early is replaced once. */
  async send(call: BucketCall, signal: AbortSignal): Promise<GoogleAnswer> {
    const { identity } = this.#deps;
    const url = this.#toUrl(call);
    const token = await identity.token(signal);
    try {
      return await this.#sendAs(token, { ...call, url }, signal);
    } catch (error) {
      if (!(error instanceof GoogleFailure) || error.status !== 401) throw error;
      return await this.#sendAs(await identity.token(signal, token), { ...call, url }, signal);
    }
  }

  /** Where a signed URL of the bucket leads: `https://host/bucket`. */
  get signingPlace(): { readonly origin: string; readonly bucket: string } {
    return { origin: new URL(this.#deps.storageUrl).origin, bucket: this.#bucket };
  }

  get #bucket(): string {
    const { bucket } = this.#deps;
    if (bucket !== undefined) return bucket;
    throw new AppError({
      code: "invalid_config",
      reason: "gcs.bucket_missing",
      message: "the storage has no bucket; name one",
    });
  }

  #sendAs(
    token: string,
    { method, url, headers, body }: BucketCall & { readonly url: string },
    signal: AbortSignal,
  ): Promise<GoogleAnswer> {
    return sendRequest(this.#deps.egress, {
      service: "storage",
      method,
      url,
      headers: { ...headers, authorization: `Bearer ${token}` },
      body,
      signal,
    });
  }

  #toUrl({ upload = false, key, query }: BucketCall): string {
    const path = `${upload ? "/upload" : ""}/storage/v1/b/${encodeURIComponent(this.#bucket)}/o`;
    const object = key === undefined ? "" : `/${encodeURIComponent(key)}`;
    const parameters = Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
    );
    return `${this.#deps.storageUrl}${path}${object}?${parameters.join("&")}`;
  }
}
