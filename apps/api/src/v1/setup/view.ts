import type { SetupView } from "@bucketbridge/contracts";
import type {
  PlatformPrincipals,
  Principal,
  SetupFacts,
  SetupSubject,
} from "@bucketbridge/storage/providers";
import { folderPrefix } from "@bucketbridge/sync";

/** What set-up help is made of. */
export interface SetupInput {
  readonly bucket: string;
  readonly prefix: string | undefined;
  readonly externalId: string;
  readonly origin: string;
  readonly principals: PlatformPrincipals;
  readonly gcpSubject: SetupSubject;
  readonly outgoingAddresses: readonly string[];
}

/** The facts for the writers of set-up help. */
export function toSetupFacts({ principals, prefix, ...facts }: SetupInput): SetupFacts {
  return {
    ...facts,
    prefix: folderPrefix(prefix ?? null),
    awsPrincipal: nameOf(principals.aws),
    awsFormerPrincipal: nameOf(principals.awsFormer),
    gcpServiceAccount: nameOf(principals.gcp),
  };
}

/** Facts that the sections of a type are about. */
const NEEDS: Readonly<Record<string, readonly ("aws" | "gcp")[]>> = {
  s3s: ["aws"],
  gcs_sa: ["gcp"],
  gcswif: ["aws"],
};

const TITLES = { aws: "principal at AWS", gcp: "service account at Google" } as const;

/** What stays a placeholder, and why. */
export function toMissing(
  type: string,
  { principals, gcpSubject, outgoingAddresses }: SetupInput,
): SetupView["missing"] {
  // A pool that believes OIDC tokens asks nothing of AWS.
  const isAsked = type !== "gcswif" || gcpSubject.kind === "aws";
  const missing = (isAsked ? (NEEDS[type] ?? []) : []).flatMap((cloud) => {
    const { problem } = principals[cloud];
    return problem === undefined ? [] : [{ name: TITLES[cloud], problem }];
  });
  if (outgoingAddresses.length > 0) return missing;
  const problem =
    "the operator has not set BUCKETBRIDGE_OUTGOING_ADDRESSES, so nothing about address lists is written";
  return [...missing, { name: "outgoing addresses", problem }];
}

function nameOf(principal: Principal | undefined): string | undefined {
  return principal?.problem === undefined ? principal?.name : undefined;
}
