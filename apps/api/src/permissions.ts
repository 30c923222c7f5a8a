import type { TokenScope } from "@bucketbridge/db";

/** Roles of a member of an organisation, from the most to the least powerful. */
export const ROLES = ["owner", "admin", "manager", "reviewer", "annotator"] as const;

/** One of {@link ROLES}. */
export type Role = (typeof ROLES)[number];

const ADMINS = ["owner", "admin"] as const satisfies readonly Role[];
const MANAGERS = [...ADMINS, "manager"] as const satisfies readonly Role[];
const REVIEWERS = [...MANAGERS, "reviewer"] as const satisfies readonly Role[];

/** Roles that see a project only as one of its members. The others see every project of their organisation. */
const MEMBERS_ONLY: ReadonlySet<Role> = new Set<Role>(["reviewer", "annotator"]);

/**
 * Who may do what: the only place that says so. A route names the permission that it needs in its `config`.
 * The first block has the names and the order of the contract (`GET /api/current-user/whoami` lists them).
 */
export const ROLES_BY_PERMISSION = {
  "organizations.create": ADMINS,
  "organizations.view": ROLES,
  "organizations.change": ADMINS,
  "organizations.delete": ADMINS,
  "organizations.invite": ADMINS,
  "projects.create": MANAGERS,
  "projects.view": ROLES,
  "projects.change": MANAGERS,
  "projects.delete": MANAGERS,
  "projects.reset_cache": MANAGERS,
  "tasks.create": MANAGERS,
  "tasks.view": ROLES,
  "tasks.change": MANAGERS,
  "tasks.delete": MANAGERS,
  "views.reset": MANAGERS,
  "annotations.create": ROLES,
  "annotations.view": ROLES,
  "annotations.change": ROLES,
  "annotations.delete": ROLES,
  "actions.perform": MANAGERS,
  "predictions.any": MANAGERS,
  "avatar.any": ROLES,
  "labels.create": MANAGERS,
  "labels.view": ROLES,
  "labels.change": MANAGERS,
  "labels.delete": MANAGERS,
  "models.create": MANAGERS,
  "models.view": MANAGERS,
  "models.change": MANAGERS,
  "models.delete": MANAGERS,
  "model_provider_connection.create": ADMINS,
  "model_provider_connection.view": ADMINS,
  "model_provider_connection.change": ADMINS,
  "model_provider_connection.delete": ADMINS,
  "webhooks.view": MANAGERS,
  "webhooks.change": MANAGERS,
  "users.token.any": ROLES,
  "storages.view": MANAGERS,
  "storages.change": MANAGERS,
  "storages.sync": MANAGERS,
  "views.view": ROLES,
  "views.create": MANAGERS,
  "views.change": MANAGERS,
  "views.delete": MANAGERS,

  "runs.view": MANAGERS,
  "runs.change": MANAGERS,
  "media.view": ROLES,
  "annotations.change_any": REVIEWERS,
  "board.view": ADMINS,
  "platform.view": ADMINS,
  "members.view": MANAGERS,
  "members.change": ADMINS,
  "profile.change": ROLES,
  "audit.view": ADMINS,
} as const satisfies Record<string, readonly Role[]>;

/** Something a member may be allowed to do. */
export type Permission = keyof typeof ROLES_BY_PERMISSION;

/** Names that the contract does not know; they stay out of `whoami`. */
const NATIVE_PERMISSIONS: ReadonlySet<string> = new Set<Permission>([
  "runs.view",
  "runs.change",
  "media.view",
  "annotations.change_any",
  "board.view",
  "platform.view",
  "members.view",
  "members.change",
  "profile.change",
  "audit.view",
]);

/** True when people of the role see only the projects that they are members of. */
export function isMembersOnly(role: Role): boolean {
  return MEMBERS_ONLY.has(role);
}

/** True when some role that sees only its own projects has the permission. */
export function reachesMembers(permission: Permission): boolean {
  return ROLES_BY_PERMISSION[permission].some((role) => isMembersOnly(role));
}

/** Nobody keeps a door open with a token that was made for a program: it cannot make tokens, passwords or people. */
const FOR_PEOPLE: ReadonlySet<Permission> = new Set<Permission>([
  "users.token.any",
  "profile.change",
  "organizations.invite",
  "members.change",
]);
const READING_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/** True when a service token of that scope may ask for it; the role is asked besides. */
export function isInScope(scope: TokenScope, permission: Permission, method: string): boolean {
  switch (scope) {
    case "media":
      return permission === "media.view";
    case "read":
      return READING_METHODS.has(method) && !FOR_PEOPLE.has(permission);
    case "write":
      return !FOR_PEOPLE.has(permission);
  }
}

/** True when `role` has `permission`. */
export function isAllowed(role: Role, permission: Permission): boolean {
  const roles: readonly Role[] = ROLES_BY_PERMISSION[permission];
  return roles.includes(role);
}

/** The contract's permissions of a role, in the contract's order. */
export function listWirePermissions(role: Role): string[] {
  return (Object.keys(ROLES_BY_PERMISSION) as Permission[]).filter(
    (permission) => !NATIVE_PERMISSIONS.has(permission) && isAllowed(role, permission),
  );
}
