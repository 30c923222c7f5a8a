import type { PlatformView } from "@bucketbridge/contracts";
import type { PlatformPrincipals, Principal } from "@bucketbridge/storage/providers";

/** What the view is made of. */
export interface PlatformFacts {
  readonly principals: PlatformPrincipals;
  readonly externalId: string;
  readonly outgoingAddresses: readonly string[];
}

/** `arn:aws:iam::123456789012:role/path/name` is account and role. */
export function toPlatformView({
  principals,
  externalId,
  outgoingAddresses,
}: PlatformFacts): PlatformView {
  const { aws, awsFormer, gcp } = principals;
  const arn = nameOf(aws);
  return {
    aws: {
      principalArn: arn,
      account: arn?.split(":")[4] ?? null,
      role: /:role\/(?:.*\/)?([^/]+)$/.exec(arn ?? "")?.[1] ?? null,
      formerPrincipalArn: awsFormer === undefined ? null : nameOf(awsFormer),
      externalId,
      problem: aws.problem ?? null,
    },
    gcp: { serviceAccount: nameOf(gcp), problem: gcp.problem ?? null },
    outgoingAddresses: [...outgoingAddresses],
  };
}

function nameOf(principal: Principal): string | null {
  return principal.problem === undefined ? principal.name : null;
}
