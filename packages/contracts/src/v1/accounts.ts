import { z } from "zod";
import { emailAddress, newPassword } from "./invitations.ts";

/** Body of POST /sign-up. */
export const signUpRequest = z.strictObject({
  organization: z.string().trim().min(1).max(1_000),
  email: emailAddress,
  firstName: z.string().trim().max(256).default(""),
  lastName: z.string().trim().max(256).default(""),
  password: newPassword,
});

/** Body of POST /first-owner: the same with the token of the setup link. */
export const firstOwnerRequest = signUpRequest.extend({ token: z.string().min(1).max(2_000) });
