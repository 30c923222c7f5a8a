/** What a request asks for. */
export type S3Operation =
  "list" | "head_bucket" | "location" | "get" | "head" | "put" | "delete" | "preflight";

/** What an access key may do. `list` covers HeadBucket too. */
export type S3Permission = "list" | "read" | "write" | "delete";

/** A key pair that the fake knows. */
export interface S3AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Requests must carry exactly this token. */
  readonly sessionToken?: string | undefined;
  /** True: the session is over, every request is answered with ExpiredToken. */
  readonly expired?: boolean | undefined;
  /** The same from this time on. */
  readonly expiresAtMs?: number | undefined;
  /** Everything when absent. */
  readonly allow?: readonly S3Permission[] | undefined;
  /** What the policy of a session says; asked after `allow`. */
  readonly mayDo?: ((access: S3Access) => boolean) | undefined;
}

/** What a request is about to do, for the policy of a session. */
export interface S3Access {
  readonly permission: S3Permission;
  readonly bucket: string;
  /** The key, or the prefix of a listing. */
  readonly key: string;
}

/** A bucket and where it lies. */
export interface S3BucketOptions {
  readonly name: string;
  /** The fake's own region when absent. */
  readonly region?: string | undefined;
  /**
   * How a request that is signed for another region is refused: `redirect` is 301 PermanentRedirect, `malformed` is 400
   * AuthorizationHeaderMalformed. Both name the region in `x-amz-bucket-region`.
   */
  readonly wrongRegion?: "redirect" | "malformed" | undefined;
  /** Origins that its CORS rules let GET and HEAD, `*` for all. None: every preflight is refused. */
  readonly corsOrigins?: readonly string[] | undefined;
}

/** How the fake starts. */
export interface S3FakeOptions {
  /** A free port when absent. */
  readonly port?: number | undefined;
  readonly region?: string | undefined;
  readonly buckets?: readonly (string | S3BucketOptions)[] | undefined;
  /** One key pair with all permissions when absent. */
  readonly accessKeys?: readonly S3AccessKey[] | undefined;
  /** Milliseconds that each answer to an operation waits; can be changed later. */
  readonly latencyMs?: S3Latency | undefined;
  /** What the log of operations keeps of the bytes of a PUT beside their hash: a revision, for example. */
  readonly describe?: ((body: Buffer) => string) | undefined;
  /** The clock by which signatures expire. */
  readonly now?: (() => number) | undefined;
}

/** Milliseconds per operation. */
export type S3Latency = Partial<Readonly<Record<S3Operation, number>>>;

/** The key pair that exists when nobody names others. */
export const DEFAULT_ACCESS_KEY: S3AccessKey = {
  accessKeyId: "AKIAFAKEFAKEFAKEFAKE",
  secretAccessKey: "fake/Secret+Access/Key=For+Tests/0123456",
};
