/** Roles of a member of an organisation, from the most to the least powerful. */
export const ROLES = ["owner", "admin", "manager", "reviewer", "annotator"] as const;

/** One of {@link ROLES}. */
export type Role = (typeof ROLES)[number];

/** Only owners and admins exist until people are invited with other roles. */
const ADMINS = ["owner", "admin"] as const satisfies readonly Role[];

/**
 * Who may do what: the only place that says so. A route names the permission that it needs in its `config`.
 * The first block has the names and the order of the contract (`GET /api/current-user/whoami` lists them).
 */
export const ROLES_BY_PERMISSION = {
  "organizations.create": ADMINS,
  "organizations.view": ADMINS,
  "organizations.change": ADMINS,
  "organizations.delete": ADMINS,
  "organizations.invite": ADMINS,
  "projects.create": ADMINS,
  "projects.view": ADMINS,
  "projects.change": ADMINS,
  "projects.delete": ADMINS,
  "projects.reset_cache": ADMINS,
  "tasks.create": ADMINS,
  "tasks.view": ADMINS,
  "tasks.change": ADMINS,
  "tasks.delete": ADMINS,
  "views.reset": ADMINS,
  "annotations.create": ADMINS,
  "annotations.view": ADMINS,
  "annotations.change": ADMINS,
  "annotations.delete": ADMINS,
  "actions.perform": ADMINS,
  "predictions.any": ADMINS,
  "avatar.any": ADMINS,
  "labels.create": ADMINS,
  "labels.view": ADMINS,
  "labels.change": ADMINS,
  "labels.delete": ADMINS,
  "models.create": ADMINS,
  "models.view": ADMINS,
  "models.change": ADMINS,
  "models.delete": ADMINS,
  "model_provider_connection.create": ADMINS,
  "model_provider_connection.view": ADMINS,
  "model_provider_connection.change": ADMINS,
  "model_provider_connection.delete": ADMINS,
  "webhooks.view": ADMINS,
  "webhooks.change": ADMINS,
  "users.token.any": ADMINS,
  "storages.view": ADMINS,
  "storages.change": ADMINS,
  "storages.sync": ADMINS,
  "views.view": ADMINS,
  "views.create": ADMINS,
  "views.change": ADMINS,
  "views.delete": ADMINS,

  "runs.view": ADMINS,
  "runs.change": ADMINS,
  "media.view": ADMINS,
  "board.view": ADMINS,
} as const satisfies Record<string, readonly Role[]>;

/** Something a member may be allowed to do. */
export type Permission = keyof typeof ROLES_BY_PERMISSION;

  "platform.view": ADMINS,
/** Names that the contract does not know; they stay out of `whoami`. */
const NATIVE_PERMISSIONS: ReadonlySet<string> = new Set<Permission>([
  "runs.view",
  "runs.change",
  "media.view",
  "board.view",
]);

/** True when `role` has `permission`. */
export function isAllowed(role: Role, permission: Permission): boolean {
  const roles: readonly Role[] = ROLES_BY_PERMISSION[permission];
  return roles.includes(role);
  "platform.view",
}

/** The contract's permissions of a role, in the contract's order. */
export function listWirePermissions(role: Role): string[] {
  return (Object.keys(ROLES_BY_PERMISSION) as Permission[]).filter(
    (permission) => !NATIVE_PERMISSIONS.has(permission) && isAllowed(role, permission),
  );
}
