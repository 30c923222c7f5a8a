import { z } from "zod";
import { memberRole, newPassword } from "./invitations.ts";

/** Body of POST /session. The password may also be a token of the person. */
export const signInRequest = z.strictObject({
  email: z.string().trim().min(1).max(254),
  password: z.string().min(1).max(256),
});

/** Who is signed in. */
export const sessionView = z
  .object({
    userId: z.int(),
    email: z.string(),
    role: memberRole,
    organizationId: z.int(),
  })
  .meta({ id: "Session" });

/** Query of DELETE /session. */
export const signOutQuery = z.object({ everywhere: z.stringbool().default(false) });

/** Body of PUT /password. The current one is asked for where there is one. */
export const changePassword = z.strictObject({
  currentPassword: z.string().max(256).optional(),
  newPassword,
});
