import { z } from "zod";

/** Roles of the members of an organisation, from the most to the least powerful. */
export const memberRole = z.enum(["owner", "admin", "manager", "reviewer", "annotator"]);

/** Addresses are compared without their case. */
export const emailAddress = z.string().trim().toLowerCase().max(254).pipe(z.email());

/** Passwords of people; the bounds of the API's `passwords.ts`. */
export const newPassword = z.string().min(10).max(256);

/** Body of POST /invitations. */
export const invitationRequest = z.strictObject({ email: emailAddress, role: memberRole });

/** An invitation that nobody has accepted yet. */
export const invitationView = z
  .object({
    id: z.int(),
    email: z.string(),
    role: memberRole,
    invitedById: z.int().nullable(),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
  })
  .meta({ id: "Invitation" });

/** An invitation as the API shows it. */
export type InvitationView = z.output<typeof invitationView>;

/** The open invitations, newest first. */
export const invitationList = z.object({ items: z.array(invitationView) });

/** A new invitation with its link, which this answer alone has. */
export const newInvitation = invitationView
  .extend({ token: z.string(), url: z.string() })
  .meta({ id: "NewInvitation" });

/** Body of POST /invitations/accept. */
export const acceptInvitation = z.strictObject({
  token: z.string().min(1).max(200),
  firstName: z.string().trim().max(256).default(""),
  lastName: z.string().trim().max(256).default(""),
  password: newPassword,
});

/** Who has become a member. */
export const acceptedInvitation = z
  .object({ userId: z.int(), email: z.string(), role: memberRole, organization: z.string() })
  .meta({ id: "AcceptedInvitation" });
