import type * as Sdk from "@aws-sdk/client-s3";
import { AppError, untilAborted } from "@bucketbridge/core";
import type { Egress } from "../../egress/egress.ts";
import { limitAnswers } from "./answer-limit.ts";
import { findBucketRegion } from "./errors.ts";
import { knownRegions } from "./known-regions.ts";
import type { CredentialSource } from "./sessions.ts";

/** Where the objects are. */
export interface S3Place {
  /** Undefined while the user has named none; then every call is refused. */
  readonly bucket: string | undefined;
  readonly region: string;
  /** A store that is not AWS: path style, and the SDK's checksums off, which such stores do not know. */
  readonly endpoint: string | undefined;
}

/** What a client is made with. */
export interface BucketClientDeps {
  readonly sdk: typeof Sdk;
  readonly place: S3Place;
  readonly credentials: CredentialSource;
  readonly egress: Egress;
}

/** Where a signed URL of the bucket leads and by which names it is signed. */
export interface SigningPlace {
  readonly url: URL;
  readonly region: string;
  readonly service: string;
}

/** Deadlines are the business of the decorators; these end what a driver without them would wait for. */
const CONNECT_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 60_000;
/** Several signatures wait for one region, so none of their signals may end the question. */
const REGION_TIMEOUT_MS = 10_000;

const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/**
 * The SDK's client for one bucket. It follows the bucket to its region: where S3 answers that the request went to another
 * one, the call is made once more there, and all later ones too.
 */
export class BucketClient {
  readonly #deps: BucketClientDeps;
  #current: { readonly region: string; readonly client: Sdk.S3Client };
  #checkedEndpoint = false;
  #knownRegion: Promise<void> | undefined;

  constructor(deps: BucketClientDeps) {
    this.#deps = deps;
    this.#current = this.#connect(knownRegions(deps.egress).find(deps.place) ?? deps.place.region);
  }

  /** Makes a call. Rejects with the SDK's error, or with ours for a missing bucket and a refused endpoint. */
  async send<T>(
    call: (client: Sdk.S3Client, bucket: string) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const bucket = await this.#ready(signal);
    const used = this.#current;
    try {
      return await call(used.client, bucket);
    } catch (error) {
      const region = findBucketRegion(error);
      if (region === undefined || region === used.region) throw error;
      knownRegions(this.#deps.egress).remember(this.#deps.place, region);
      if (this.#current.region !== region) this.#current = this.#connect(region);
      return await call(this.#current.client, bucket);
    }
  }

  /** For signing without a request. Asks AWS once for the bucket's region, since nobody follows a signed URL elsewhere. */
  async signingPlace(signal: AbortSignal): Promise<SigningPlace> {
    const bucket = await this.#ready(signal);
    const { endpoint } = this.#deps.place;
    if (endpoint === undefined)
      await untilAborted((this.#knownRegion ??= this.#findRegion()), signal);
    const { region, client } = this.#current;
    const found = client.config.endpointProvider({
      Bucket: bucket,
      Region: region,
      UseArnRegion: true,
      ...(endpoint === undefined ? {} : { Endpoint: endpoint, ForcePathStyle: true }),
    });
    const [scheme] = (found.properties?.["authSchemes"] ?? []) as readonly AuthScheme[];
    if (scheme?.name === "sigv4a") {
      throw new AppError({
        code: "unsupported",
        message: "URLs of a multi-region access point cannot be signed",
      });
    }
    return {
      url: found.url,
      region: scheme?.signingRegion ?? region,
      service: scheme?.signingName ?? "s3",
    };
  }

  /** The bucket, after the endpoint was found to be one that may be used. */
  async #ready(signal: AbortSignal): Promise<string> {
    const { place, egress } = this.#deps;
    if (place.endpoint !== undefined && !this.#checkedEndpoint) {
      await egress.assertUrlAllowed(place.endpoint, signal);
      this.#checkedEndpoint = true;
    }
    if (place.bucket !== undefined) return place.bucket;
    throw new AppError({
      code: "invalid_config",
      reason: "s3.bucket_missing",
      message: "the storage has no bucket; name one",
    });
  }

  /** Also a refusal tells the region. What it cannot find out is left to the URL's user. */
  async #findRegion(): Promise<void> {
    const { sdk } = this.#deps;
    const signal = AbortSignal.timeout(REGION_TIMEOUT_MS);
    try {
      await this.send((client, Bucket) => {
        return client.send(new sdk.HeadBucketCommand({ Bucket }), { abortSignal: signal });
      }, signal);
    } catch (error) {
      if (error instanceof sdk.S3ServiceException) return;
      // No answer at all: the next signature asks again.
      this.#knownRegion = undefined;
      throw signal.aborted ? signal.reason : error;
    }
  }

  #connect(region: string): { readonly region: string; readonly client: Sdk.S3Client } {
    const { sdk, place, credentials, egress } = this.#deps;
    const client = new sdk.S3Client({
      region,
      credentials: () => toIdentity(credentials),
      ...(place.endpoint === undefined
        ? {}
        : {
            endpoint: place.endpoint,
            forcePathStyle: true,
            requestChecksumCalculation: "WHEN_REQUIRED" as const,
            responseChecksumValidation: "WHEN_REQUIRED" as const,
          }),
      // The retry decorator repeats: it knows which calls may be, and it is one place with one budget.
      maxAttempts: 1,
      useArnRegion: true,
      followRegionRedirects: false,
      // With `Expect: 100-continue` the SDK may send a large body through an agent of its own.
      expectContinueHeader: false,
      logger: SILENT,
      requestHandler: {
        httpAgent: egress.httpAgent,
        httpsAgent: egress.httpsAgent,
        connectionTimeout: CONNECT_TIMEOUT_MS,
        requestTimeout: ANSWER_TIMEOUT_MS,
        throwOnRequestTimeout: true,
        // It would count the time that the reader of a body takes for itself.
        socketTimeout: 0,
        logger: SILENT,
      },
    });
    limitAnswers(client);
    return { region, client };
  }
}

/** The SDK asks again some minutes before the end that it is told. */
async function toIdentity(credentials: CredentialSource): Promise<AwsCredentialIdentity> {
  const session = await credentials.get();
  const { accessKeyId, secretAccessKey, sessionToken, expiresAtMs } = session;
  return {
    accessKeyId,
    secretAccessKey: secretAccessKey.reveal(),
    ...(sessionToken === undefined ? {} : { sessionToken: sessionToken.reveal() }),
    ...(expiresAtMs === undefined ? {} : { expiration: new Date(expiresAtMs) }),
  };
}

interface AwsCredentialIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

interface AuthScheme {
  readonly name: string;
  readonly signingName?: string;
  readonly signingRegion?: string;
}

/** Loads the SDK, once per process and not before a storage needs it. */
export async function loadSdk(): Promise<typeof Sdk> {
  return import("@aws-sdk/client-s3");
}

function ignore(): void {
  // The SDK warns on the console otherwise.
}
