import type { Platform } from "@bucketbridge/config";
import type { ServiceAddress } from "@bucketbridge/storage/egress";
import { createPlatformEgress } from "@bucketbridge/storage/platform-egress";
import type { PlatformAccess } from "@bucketbridge/storage/providers";

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
