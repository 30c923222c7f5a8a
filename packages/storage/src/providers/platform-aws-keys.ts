import type { AwsKeys, PlatformAccess } from "./provider-deps.ts";

/** As what the platform signs. */
export interface PlatformAwsKeysRequest {
  /** A role of the operator's that the platform assumes first. Undefined: it signs as itself. */
  readonly session: { readonly roleArn: string; readonly sessionName: string } | undefined;
  readonly signal: AbortSignal;
}

/**
 * The keys by which the platform proves at another cloud who it is at AWS. Rejects with `invalid_config` where it is nobody
 * there. The one door between provider folders: the code is that of the S3 family, and it loads on first use.
 */
export async function findPlatformAwsKeys(
  platform: PlatformAccess,
  { session, signal }: PlatformAwsKeysRequest,
): Promise<AwsKeys> {
  const { platformIdentity } = await import("./s3/credentials-platform.ts");
  const { base, place } = platformIdentity(platform);
  if (session === undefined) return base.get(signal);
  const { assumeRole } = await import("./s3/sts.ts");
  const { toStsError } = await import("./s3/sts-errors.ts");
  try {
    return await assumeRole(place, base, session, signal);
  } catch (error) {
    const { roleArn } = session;
    throw toStsError(error, { roleArn, principalArn: undefined, externalId: undefined });
  }
}
