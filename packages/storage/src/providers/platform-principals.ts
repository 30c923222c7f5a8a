import { isAppError } from "@bucketbridge/core";
import type { PlatformAccess } from "./provider-deps.ts";

/** What a customer allows, found out or configured; or why it is unknown. */
export type Principal =
  { readonly name: string; readonly problem?: undefined } | { readonly problem: string };

/** Who the platform is at the clouds, in the words that trust policies and role bindings want. */
export interface PlatformPrincipals {
  /** ARN of a user or role. */
  readonly aws: Principal;
  /** ARN of the principal before the current one. Undefined: the operator has configured none. */
  readonly awsFormer: Principal | undefined;
  /** Address of the base service account. */
  readonly gcp: Principal;
}

/** A machine outside of a cloud has nobody to ask there. */
const ASK_MS = 4_000;

/** Asks the clouds where the configuration does not say. Never rejects but for the signal; each answer is kept by its provider. */
export async function findPlatformPrincipals(
  platform: PlatformAccess,
  signal: AbortSignal,
): Promise<PlatformPrincipals> {
  const { platformIdentity } = await import("./s3/credentials-platform.ts");
  const aws = platformIdentity(platform);
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]);
  const [current, former, gcp] = await Promise.all([
    toPrincipal(aws.principalArn(deadline), signal),
    aws.hasFormer ? toPrincipal(aws.formerPrincipalArn(deadline), signal) : undefined,
    toPrincipal(findServiceAccount(platform, deadline), signal),
  ]);
  return { aws: current, awsFormer: former, gcp };
}

async function findServiceAccount(platform: PlatformAccess, signal: AbortSignal): Promise<string> {
  const { platformIdentity } = await import("./gcs/platform-identity.ts");
  const { SCOPES } = await import("./gcs/identity.ts");
  return (await platformIdentity(platform, SCOPES.iam).signer(signal)).email;
}

async function toPrincipal(asked: Promise<string>, signal: AbortSignal): Promise<Principal> {
  try {
    return { name: await asked };
  } catch (error) {
    signal.throwIfAborted();
    return { problem: isAppError(error) ? error.message : NOBODY };
  }
}

const NOBODY = "this installation is not configured for this cloud and does not run there";
