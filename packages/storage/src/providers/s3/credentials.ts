import { AppError, Secret } from "@bucketbridge/core";
import type { AmbientSettings } from "../provider-deps.ts";
import { textOf, type S3Settings } from "./settings.ts";

/** A key pair, with a token when it belongs to a session. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret | undefined;
}

/**
 * The key pair of a storage: its own, or the operator's where the caller offers it and the user names no endpoint, since
 * that host would receive signatures of the operator's key. Throws `invalid_config` where there is none.
 */
export function resolveCredentials(settings: S3Settings, ambient: AmbientSettings): S3Credentials {
  const accessKeyId = textOf(settings.aws_access_key_id);
  const secretAccessKey = textOf(settings.aws_secret_access_key);
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    const token = textOf(settings.aws_session_token);
    return {
      accessKeyId,
      secretAccessKey: new Secret(secretAccessKey),
      sessionToken: token === undefined ? undefined : new Secret(token),
    };
  }
  if (ambient.s3Credentials !== undefined && textOf(settings.s3_endpoint) === undefined) {
    return ambient.s3Credentials;
  }
  throw new AppError({
    code: "invalid_config",
    reason: "s3.no_credentials",
    message: "Unable to resolve AWS credentials for this S3 connection.",
  });
}
