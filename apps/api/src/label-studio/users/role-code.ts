import { ROLES, type Role } from "../../permissions.ts";

/** The contract's codes of our roles. It knows more: deactivated, not activated and view-only people do not exist here. */
export const ROLE_CODES = {
  owner: "OW",
  admin: "AD",
  manager: "MA",
  reviewer: "RE",
  annotator: "AN",
} as const satisfies Record<Role, string>;

/** The role of a code; undefined for one that does not exist here. */
export function toRole(code: string): Role | undefined {
  return ROLES.find((role) => ROLE_CODES[role] === code);
}
