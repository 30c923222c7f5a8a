import type { MemberChange, MemberOutcome } from "@bucketbridge/db";
import type { FastifyRequest } from "fastify";
import { badRequest, forbidden, notFound } from "../../api-error.ts";
import { identityOf } from "../../identity.ts";

/** A change of `userId`'s membership in the caller's name. */
export function toMemberChange(request: FastifyRequest, userId: number): MemberChange {
  return { userId, isByOwner: identityOf(request).role === "owner" };
}

/** Throws what an outcome other than `done` means for the caller. */
export function assertDone(outcome: MemberOutcome): void {
  switch (outcome) {
    case "done":
      return;
    case "absent":
      throw notFound("OrganizationMember");
    case "owners_only":
      throw forbidden("Only owners make, change and remove owners.");
    case "last_owner":
      throw badRequest(
        "The organization would have no owner left. Make somebody else an owner first.",
      );
  }
}
