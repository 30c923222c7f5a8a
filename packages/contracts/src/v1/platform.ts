import { z } from "zod";

/** Null where it could not be found out; `problem` then says why. */
const problem = z.string().nullable();

/** Whom a customer allows: what stands in trust policies, role bindings and address lists. */
export const platformView = z
  .object({
    aws: z.object({
      principalArn: z.string().nullable(),
      account: z.string().nullable(),
      /** Name of the role when the principal is one. */
      role: z.string().nullable(),
      /** The principal before the current one, which storages with `legacy_auth` still use. */
      formerPrincipalArn: z.string().nullable(),
      /** The organisation's: every trust policy demands it. */
      externalId: z.string(),
      problem,
    }),
    gcp: z.object({ serviceAccount: z.string().nullable(), problem }),
    outgoingAddresses: z.array(z.string()),
  })
  .meta({ id: "Platform" });

/** The platform as the API shows it. */
export type PlatformView = z.output<typeof platformView>;
