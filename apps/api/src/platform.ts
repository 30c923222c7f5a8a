import type { Platform } from "@bucketbridge/config";
import type { ServiceAddress } from "@bucketbridge/storage/egress";
import { createPlatformEgress } from "@bucketbridge/storage/platform-egress";
import type { PlatformAccess, SetupSubject } from "@bucketbridge/storage/providers";

/** No identity of its own and no way out: the default of tests. */
const NONE = { hosts: [], aws: {}, gcp: {}, azure: {} };

/** The operator's identity for the providers, with its own way out. `denied`: our own servers. */
export function openPlatform(
  platform: Platform | undefined,
  denied: readonly ServiceAddress[],
): PlatformAccess {
  const { hosts, aws, gcp, azure } = platform ?? NONE;
  return { egress: createPlatformEgress({ hosts, denied }), aws, gcp, azure };
}

/** What workload identity pools are shown, as set-up help tells it. */
export function toSetupSubject({ gcp }: Pick<PlatformAccess, "gcp">): SetupSubject {
  const token = gcp.subjectToken ?? { kind: "aws" };
  return token.kind === "aws" ? { kind: "aws", roleArn: token.roleArn } : { kind: "oidc" };
}
