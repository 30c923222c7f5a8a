import { AppError, Secret } from "@bucketbridge/core";
import { mayUseAmbient, type ProviderDeps, type StorageContext } from "../provider-deps.ts";
import { platformIdentity } from "./credentials-platform.ts";
import { fixedKeys, type CredentialSource } from "./sessions.ts";
import { textOf, type S3Settings } from "./settings.ts";

/**
 * The key pair of a storage: its own, or the operator's (the `AWS_…` variables, else what AWS gives the machine) where the
 * storage may use that and the user names no endpoint, since that host would receive signatures of the operator's key.
 * Throws `invalid_config` where there is none.
 */
export function resolveCredentials(
  settings: S3Settings,
  { ambient, platform }: Pick<ProviderDeps, "ambient" | "platform">,
  context: Pick<StorageContext, "isOnlyOrganization" | "organizationExternalId">,
): CredentialSource {
  const accessKeyId = textOf(settings.aws_access_key_id);
  const secretAccessKey = textOf(settings.aws_secret_access_key);
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    const token = textOf(settings.aws_session_token);
    return fixedKeys({
      accessKeyId,
      secretAccessKey: new Secret(secretAccessKey),
      sessionToken: token === undefined ? undefined : new Secret(token),
    });
  }
  const mayBorrow =
    textOf(settings.s3_endpoint) === undefined &&
    mayUseAmbient(ambient, context, textOf(settings.bucket));
  if (!mayBorrow) throw noCredentials();
  if (ambient.s3Credentials !== undefined) return fixedKeys(ambient.s3Credentials);
  // What a machine is given must not leave AWS, not even to the operator's own store.
  if (ambient.s3Endpoint !== undefined) throw noCredentials();
  const { base } = platformIdentity(platform);
  return {
    get: (signal) =>
      base.get(signal).catch((error: unknown) => {
        throw noCredentials(error);
      }),
  };
}

function noCredentials(cause?: unknown): AppError {
  return new AppError({
    code: "invalid_config",
    reason: "s3.no_credentials",
    message: "Unable to resolve AWS credentials for this S3 connection.",
    cause,
  });
}
