import type { Secret } from "@bucketbridge/core";
import type { z } from "zod";
import type { ambientSlice } from "./slices/ambient.ts";
import type { awsPlatformSlice } from "./slices/aws-platform.ts";
import type { azurePlatformSlice } from "./slices/azure-platform.ts";
import type { gcpPlatformSlice } from "./slices/gcp-platform.ts";
import type { platformSlice } from "./slices/platform.ts";

/** A key pair of AWS. */
interface KeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret | undefined;
}

/** The values of the slices that say who the platform is. */
export interface PlatformConfig {
  readonly ambient: z.output<typeof ambientSlice.schema>;
  readonly awsPlatform: z.output<typeof awsPlatformSlice.schema>;
  readonly azurePlatform: z.output<typeof azurePlatformSlice.schema>;
  readonly gcpPlatform: z.output<typeof gcpPlatformSlice.schema>;
  readonly platform: z.output<typeof platformSlice.schema>;
}

/** The operator's own identity at each cloud, decided. */
export type Platform = ReturnType<typeof resolvePlatform>;

const AWS_METADATA = "http://169.254.169.254";
const AWS_CONTAINERS = "http://169.254.170.2";

/**
 * Decides by what the platform is known at each cloud and which hosts beyond the clouds' own it may show that to: those of
 * the vendors' endpoint variables, which only an operator sets.
 */
export function resolvePlatform(config: PlatformConfig) {
  const { awsPlatform, platform } = config;
  const gcp = resolveGcp(config);
  return {
    aws: resolveAws(config),
    gcp,
    azure: {
      authorityHost: platform.azureAuthorityHost,
      blobEndpoint: config.azurePlatform.blobEndpoint,
    },
    outgoingAddresses: platform.outgoingAddresses,
    hosts: [
      awsPlatform.stsEndpoint ?? awsPlatform.endpoint,
      awsPlatform.containerFullUri,
      awsPlatform.metadataEndpoint,
      platform.azureAuthorityHost,
      gcp.subjectToken.kind === "url" ? gcp.subjectToken.url : undefined,
      gcp.endpoints.token,
      gcp.endpoints.sts,
      gcp.endpoints.iamCredentials,
      gcp.endpoints.metadata,
    ].filter((host): host is string => host !== undefined && host !== ""),
  };
}

function resolveAws({ ambient, awsPlatform: aws }: PlatformConfig) {
  const own = toKeys(aws.accessKeyId, aws.secretAccessKey, aws.sessionToken);
  return {
    keys: own ?? resolveAmbientAwsKeys(ambient),
    webIdentity:
      aws.roleArn === undefined || aws.webIdentityTokenFile === undefined
        ? undefined
        : {
            roleArn: aws.roleArn,
            tokenFile: aws.webIdentityTokenFile,
            sessionName: aws.roleSessionName ?? "bucketbridge",
          },
    container: resolveContainer(aws),
    metadataEndpoint: aws.metadataDisabled ? undefined : (aws.metadataEndpoint ?? AWS_METADATA),
    region: aws.region ?? aws.defaultRegion,
    stsEndpoint: aws.stsEndpoint ?? aws.endpoint,
    principalArn: aws.principalArn,
    formerKeys: toKeys(aws.formerAccessKeyId, aws.formerSecretAccessKey, undefined),
    formerRoleArn: aws.formerRoleArn,
  };
}

function resolveGcp({ gcpPlatform: gcp, platform }: PlatformConfig) {
  const { gceMetadataHost } = platform;
  return {
    credentials: gcp.credentials,
    subjectToken: resolveSubjectToken(gcp),
    endpoints: {
      storage: gcp.storageEndpoint,
      token: gcp.tokenEndpoint,
      sts: gcp.stsEndpoint,
      iamCredentials: gcp.iamEndpoint,
      metadata: gceMetadataHost === undefined ? undefined : toUrl(gceMetadataHost),
    },
  };
}

/** What is shown to workload identity pools: a file or an address where the operator names one, else who we are at AWS. */
function resolveSubjectToken(gcp: PlatformConfig["gcpPlatform"]) {
  if (gcp.subjectTokenFile !== undefined)
    return { kind: "file", path: gcp.subjectTokenFile } as const;
  if (gcp.subjectTokenUrl !== undefined) return { kind: "url", url: gcp.subjectTokenUrl } as const;
  return { kind: "aws", roleArn: gcp.awsRoleArn } as const;
}

function resolveContainer(aws: PlatformConfig["awsPlatform"]) {
  const url =
    aws.containerRelativeUri === undefined
      ? aws.containerFullUri
      : AWS_CONTAINERS + aws.containerRelativeUri;
  if (url === undefined) return undefined;
  return { url, token: aws.containerToken, tokenFile: aws.containerTokenFile };
}

/**
 * Where storages may connect to: what the operator allows, and the host of his own S3_ENDPOINT, which storages that name none
 * use. Names and addresses as `BUCKETBRIDGE_EGRESS_ALLOW` has them.
 */
export function resolveEgressAllow(config: {
  readonly egress: { readonly allow: readonly string[] };
  readonly ambient: Pick<PlatformConfig["ambient"], "s3Endpoint">;
}): readonly string[] {
  const { egress, ambient } = config;
  const host = URL.parse(ambient.s3Endpoint ?? "")?.hostname.replace(/^\[|\]$/g, "");
  return host === undefined || host === "" ? egress.allow : [...egress.allow, host];
}

/** The operator's `AWS_…` key pair (ls-api §7.7); undefined unless both parts are set. */
export function resolveAmbientAwsKeys(ambient: PlatformConfig["ambient"]): KeyPair | undefined {
  const { awsAccessKeyId: id, awsSecretAccessKey: secret, awsSessionToken: token } = ambient;
  return toKeys(id?.reveal(), secret, token);
}

/** The operator's own account and app registration at Azure (ls-api §7.7). */
export function resolveAmbientAzure({ azurePlatform }: Pick<PlatformConfig, "azurePlatform">) {
  const { accountName, accountKey, tenantId, clientId, clientSecret } = azurePlatform;
  return { accountName: accountName?.reveal(), accountKey, tenantId, clientId, clientSecret };
}

function toKeys(
  accessKeyId: string | undefined,
  secretAccessKey: Secret | undefined,
  sessionToken: Secret | undefined,
): KeyPair | undefined {
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken };
}

function toUrl(host: string): string {
  return host.includes("://") ? host : `http://${host}`;
}
