import type { Logger, Secret } from "@bucketbridge/core";
import type { Egress } from "../egress/egress.ts";

/** Which way data flow through a storage. */
export type StorageDirection = "source" | "target";

/** What providers are made with, besides the settings of a storage. One per process. */
export interface ProviderDeps {
  /** The only way to hosts that a user named. */
  readonly egress: Egress;
  readonly log: Logger;
  /** Operator settings of local files; a provider that does not need them ignores them. */
  readonly localFiles: LocalFilesPolicy;
  /** Ambient values of the contract's environment fallbacks (ls-api §7.7), already resolved by the configuration. */
  readonly ambient: AmbientSettings;
  /** The operator's own identity, for exchange and impersonation only; asked from `credentials.ts` alone. */
  readonly platform: PlatformAccess;
}

/** For whom and for what a store is opened. */
export interface StorageContext {
  readonly organizationId: number;
  /** Generated, never changes: what a customer's role or pool demands of us (design §9). */
  readonly organizationExternalId: string;
  /** True while the installation has one organisation: ambient credentials then belong to it (design §9). */
  readonly isOnlyOrganization: boolean;
  /** Undefined before the storage is saved. */
  readonly storageId: number | undefined;
  readonly direction: StorageDirection;
  /** The storage's prefix as a folder: empty or with a final slash. Sessions are scoped to it. */
  readonly prefix: string;
}

/** Where local files may lie. `documentRoot` undefined: serving is off. */
export interface LocalFilesPolicy {
  readonly documentRoot: string | undefined;
  readonly servingEnabled: boolean;
}

/** Values that stand in for settings which the user left blank. Allowed only as `mayUseAmbient` says. */
export interface AmbientSettings {
  /**
   * Buckets and containers whose storages may use ambient credentials although there are several organisations: `external id:bucket`
   * for one of them, a bare name for all.
   */
  readonly buckets?: readonly string[] | undefined;
  readonly s3Endpoint?: string | undefined;
  readonly s3Region?: string | undefined;
  /** The operator's own key pair; never used with a user's endpoint. */
  readonly s3Credentials?: AwsKeys | undefined;
  /** Targets without a KMS key ask S3 to encrypt (AES256) what they write. */
  readonly s3EncryptsWrites?: boolean | undefined;
  readonly azure?: AzureAmbient | undefined;
}

/** The operator's own storage account and app registration at Azure. A secret is used only with the names that it belongs to. */
export interface AzureAmbient {
  readonly accountName?: string | undefined;
  readonly accountKey?: Secret | undefined;
  readonly tenantId?: string | undefined;
  readonly clientId?: string | undefined;
  readonly clientSecret?: Secret | undefined;
}

/** An AWS key pair, with a token when it belongs to a session. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret | undefined;
}

/** The operator's identity at each cloud. What is not configured is found out where the platform runs. */
export interface PlatformAccess {
  /** Reaches the fixed hosts of the clouds' identity services and those that the operator named; no others. */
  readonly egress: Egress;
  readonly aws: AwsPlatform;
  readonly gcp: GcpPlatform;
  readonly azure: AzurePlatform;
}

/**
 * The operator at AWS. The base credentials of AssumeRole are the first of `keys`, `webIdentity`, `container` and the
 * instance's own; all absent: the platform has no identity.
 */
export interface AwsPlatform {
  readonly keys?: AwsKeys | undefined;
  /** IRSA: a role for the token of the pod's service account. */
  readonly webIdentity?: AwsWebIdentity | undefined;
  /** ECS and EKS Pod Identity. */
  readonly container?: AwsContainerCredentials | undefined;
  /** Where an instance asks for its role's credentials; undefined: it does not. */
  readonly metadataEndpoint?: string | undefined;
  /** Region of STS. Undefined: `us-east-1`. */
  readonly region?: string | undefined;
  /** An STS other than AWS's own. Never a user's endpoint. */
  readonly stsEndpoint?: string | undefined;
  /** What customers name in a trust policy. Undefined: asked of STS. */
  readonly principalArn?: string | undefined;
  /** The principal before the current one, for storages with `legacy_auth`: its keys, or a role that the current one assumes. */
  readonly formerKeys?: AwsKeys | undefined;
  readonly formerRoleArn?: string | undefined;
}

/** See `AwsPlatform.webIdentity`. The file is read again for each session: it is renewed in place. */
export interface AwsWebIdentity {
  readonly roleArn: string;
  readonly tokenFile: string;
  readonly sessionName: string;
}

/** See `AwsPlatform.container`. */
export interface AwsContainerCredentials {
  readonly url: string;
  readonly token?: Secret | undefined;
  readonly tokenFile?: string | undefined;
}

/** The operator at Google. */
export interface GcpPlatform {
  /** A JSON of type service_account or authorized_user. Undefined: the account that the machine runs as. */
  readonly credentials?: Secret | undefined;
  /** What workload identity federation shows to a customer's pool. Undefined: the platform's identity at AWS. */
  readonly subjectToken?: GcpSubjectToken | undefined;
  /** Services other than Google's public ones. Never a user's endpoint. */
  readonly endpoints?: GcpEndpoints | undefined;
}

/** Where the platform gets what it shows to a workload identity pool. */
export type GcpSubjectToken =
  /**
   * A signed GetCallerIdentity. With `roleArn` it is signed as that role, in a session named by the organisation's external id, so
   * that a pool's condition can tell the organisations apart.
   */
  | { readonly kind: "aws"; readonly roleArn?: string | undefined }
  /** A file with an OIDC token. It is read again for each exchange: such files are renewed in place. */
  | { readonly kind: "file"; readonly path: string }
  /** Answers with an OIDC token. */
  | { readonly kind: "url"; readonly url: string };

/** URLs of Google's services; `token` and `sts` with their path, the others without. */
export interface GcpEndpoints {
  readonly storage?: string | undefined;
  readonly token?: string | undefined;
  readonly sts?: string | undefined;
  readonly iamCredentials?: string | undefined;
  readonly metadata?: string | undefined;
}

/** The operator's settings for Azure. */
export interface AzurePlatform {
  /** The login host of a sovereign cloud. Undefined: the public one. */
  readonly authorityHost?: string | undefined;
  /** Where the blobs of an account are, with `{account}` in it: another cloud, or Azurite. Undefined: the public cloud. */
  readonly blobEndpoint?: string | undefined;
}

/**
 * Whether a storage may use the operator's ambient credentials as its own: while one organisation exists, or for buckets that the
 * operator lists (design §9). A caller also checks that the user named no endpoint.
 */
export function mayUseAmbient(
  ambient: AmbientSettings,
  context: Pick<StorageContext, "isOnlyOrganization" | "organizationExternalId">,
  bucket: string | undefined,
): boolean {
  if (context.isOnlyOrganization) return true;
  if (bucket === undefined) return false;
  const { buckets = [] } = ambient;
  return (
    buckets.includes(bucket) || buckets.includes(`${context.organizationExternalId}:${bucket}`)
  );
}
