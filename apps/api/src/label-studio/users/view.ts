import type { Member, ProjectCreator } from "@bucketbridge/db";
import { listWirePermissions } from "../../permissions.ts";
import { ROLE_CODES } from "./role-code.ts";
import { toWireTime } from "@bucketbridge/contracts";
import { toAvatarUrl } from "../../uploads/file-keys.ts";

/** `GET /api/current-user/whoami`, in the order of the contract. */
export function toWhoamiView(member: Member, owner: Member | undefined): Record<string, unknown> {
  return {
    id: member.userId,
    first_name: member.firstName,
    last_name: member.lastName,
    username: "",
    email: member.email,
    last_activity: toWireTime(member.lastActivityAt),
    custom_hotkeys: {},
    avatar: toAvatarUrl(member.avatar),
    initials: toInitials(member),
    phone: "",
    active_organization: member.organizationId,
    active_organization_meta: { title: member.organizationTitle, email: owner?.email ?? "" },
    allow_newsletters: null,
    date_joined: toWireTime(member.createdAt),
    permissions: listWirePermissions(member.role),
  };
}

/** A person in the lists of an organisation and by itself. */
export function toUserView(member: Member): Record<string, unknown> {
  return {
    id: member.userId,
    first_name: member.firstName,
    last_name: member.lastName,
    username: "",
    email: member.email,
    last_activity: toWireTime(member.lastActivityAt),
    custom_hotkeys: {},
    avatar: toAvatarUrl(member.avatar),
    initials: toInitials(member),
    phone: "",
    active_organization: member.organizationId,
    allow_newsletters: null,
    date_joined: toWireTime(member.createdAt),
  };
}

/** A person with the membership, as the contract lists them. */
export function toMembershipView(member: Member): Record<string, unknown> {
  const { userId: id, organizationId: organization, role } = member;
  return { id, user: toUserView(member), organization, role: ROLE_CODES[role] };
}

/** One membership by itself, which the contract writes with the id of the person alone. */
export function toMemberView({
  userId: user,
  organizationId: organization,
  role,
  createdAt,
}: Member): Record<string, unknown> {
  return { user, organization, role: ROLE_CODES[role], created_at: toWireTime(createdAt) };
}

/** The person who made a project. */
export function toCreatorView(member: ProjectCreator): Record<string, unknown> {
  const { userId, firstName, lastName, email } = member;
  return { id: userId, first_name: firstName, last_name: lastName, email, avatar: null };
}

/** First letters of the names, else the first two letters of the address. */
export function toInitials({
  firstName,
  lastName,
  email,
}: Pick<Member, "firstName" | "lastName" | "email">): string {
  const initials = `${firstName.slice(0, 1)}${lastName.slice(0, 1)}`;
  return initials === "" ? email.slice(0, 2) : initials;
}
