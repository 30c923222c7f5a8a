import { z } from "zod";

/** What a service token may do of what its member may: `write` is all of it, `media` opens objects of tasks alone. */
const tokenScope = z.enum(["read", "write", "media"]);

const MAX_DAYS = 3_650;
const DEFAULT_DAYS = 90;

/** Body of POST /tokens. */
export const serviceTokenRequest = z.strictObject({
  name: z.string().trim().min(1).max(100),
  scope: tokenScope,
  expiresInDays: z.int().min(1).max(MAX_DAYS).default(DEFAULT_DAYS),
});

/** A service token, without the token. */
export const serviceTokenView = z
  .object({
    id: z.int(),
    userId: z.int(),
    name: z.string(),
    scope: tokenScope,
    prefix: z.string(),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
    lastUsedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: "ServiceToken" });

/** A service token as the API shows it. */
export type ServiceTokenView = z.output<typeof serviceTokenView>;

/** Valid service tokens, newest first. */
export const serviceTokenList = z.object({ items: z.array(serviceTokenView) });

/** A new service token, which this answer alone has. */
export const newServiceToken = serviceTokenView
  .extend({ token: z.string() })
  .meta({ id: "NewServiceToken" });

/** Query of GET /tokens. */
export const listTokensQuery = z.object({ everyone: z.stringbool().default(false) });
