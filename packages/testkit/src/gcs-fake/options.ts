/** What a request asks for. `fetch` is a signed URL, by GET or HEAD. */
export type GcsOperation =
  | "list"
  | "get"
  | "media"
  | "insert"
  | "delete"
  | "fetch"
  | "token"
  | "exchange"
  | "generate_token"
  | "sign_blob"
  | "metadata";

/** What an account may do with the objects of every bucket. */
export type GcsPermission = "list" | "get" | "create" | "delete";

/** A service account that the fake knows. It has a key of its own, see `GcsFake.keyJson`. */
export interface GcsAccount {
  readonly email: string;
  /** Everything when absent. */
  readonly allow?: readonly GcsPermission[] | undefined;
  /** True: its keys and tokens are refused. */
  readonly disabled?: boolean | undefined;
  /** Who may get its access tokens: addresses of accounts, or names of pools. */
  readonly actors?: readonly string[] | undefined;
  /** Who may sign as it. The `actors` when absent. */
  readonly signers?: readonly string[] | undefined;
}

/** A person with a refresh token (`authorized_user`). */
export interface GcsUser {
  readonly email: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly refreshToken: string;
}

/** A key pair of AWS whose signed GetCallerIdentity the pools believe. */
export interface GcsAwsCaller {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  readonly arn: string;
}

/** A workload identity provider. */
export interface GcsPool {
  /** Principal of its tokens, for `GcsAccount.actors`. */
  readonly name: string;
  /** `//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q` */
  readonly audience: string;
  /** Attribute condition of a provider for AWS. */
  readonly acceptsArn?: ((arn: string) => boolean) | undefined;
  /** Makes it a provider for OIDC: the tokens it believes. */
  readonly oidcTokens?: readonly string[] | undefined;
}

/** How the fake starts. */
export interface GcsFakeOptions {
  /** A free port when absent. */
  readonly port?: number | undefined;
  readonly buckets?: readonly string[] | undefined;
  /** One with all permissions when absent. */
  readonly accounts?: readonly GcsAccount[] | undefined;
  readonly users?: readonly GcsUser[] | undefined;
  readonly pools?: readonly GcsPool[] | undefined;
  readonly awsCallers?: readonly GcsAwsCaller[] | undefined;
  /** The account that the machine runs as; absent: the metadata server knows none. */
  readonly machineAccount?: string | undefined;
  /** The Cloud KMS keys that the bucket's agent may use; absent: any. */
  readonly kmsKeys?: readonly string[] | undefined;
  readonly tokenSeconds?: number | undefined;
  /** The clock by which tokens and signatures expire. */
  readonly now?: (() => number) | undefined;
}

/** The account that exists when nobody names others. */
export const DEFAULT_ACCOUNT: GcsAccount = { email: "owner@fake.iam.gserviceaccount.com" };
