import type { Permission } from "../permissions.ts";

/** What a change needs permission for is what it is about. Work on tasks and annotations has revisions of its own. */
const NOUN_BY_PERMISSION: Readonly<Partial<Record<Permission, string>>> = {
  "organizations.change": "organization",
  "organizations.invite": "invitation",
  "members.change": "member",
  "projects.create": "project",
  "projects.change": "project",
  "projects.delete": "project",
  "storages.change": "storage",
  "storages.sync": "run",
  "runs.change": "run",
  "webhooks.change": "webhook",
  "users.token.any": "token",
  "profile.change": "profile",
};

/** Paths that are about something else than their permission says. */
const NOUN_BY_PATH: readonly (readonly [RegExp, string])[] = [
  [/\/projects\/:id\/members/, "project_member"],
  [/\/event-keys/, "event_key"],
  [/\/v1\/session$/, "session"],
  [/\/storages\/export|\/targets\//, "target"],
  [/\/first-owner$|\/sign-up$/, "organization"],
];

const VERB_BY_METHOD: Readonly<Record<string, string>> = {
  POST: "created",
  PUT: "changed",
  PATCH: "changed",
  DELETE: "deleted",
};

/** What their method does not say. */
const VERB_BY_PATH: readonly (readonly [RegExp, string])[] = [
  [/\/(sync|retry-failed|dry-run|reconcile|repair)$/, "requested"],
  [/\/cancel$/, "canceled"],
  [/\/jwt\/settings$/, "changed"],
  [/\/invitations\/accept$/, "accepted"],
];

/** They are asked with POST and change nothing. */
const CHANGES_NOTHING = /\/(validate|files)\/?$/;

/** A change that is written down. */
interface Action {
  readonly noun: string;
  readonly verb: string;
  /** What the ids of the path, or the id of the answer, are about. */
  readonly subjectType: string;
}

/** The action of a request; undefined for one that is not written down. */
export function findAction(
  method: string,
  url: string,
  permission: Permission | undefined,
): Action | undefined {
  const verb = VERB_BY_PATH.find(([path]) => path.test(url))?.[1] ?? VERB_BY_METHOD[method];
  if (verb === undefined || CHANGES_NOTHING.test(url)) return undefined;
  const own = permission === undefined ? undefined : NOUN_BY_PERMISSION[permission];
  const isPublic =
    permission === undefined && /\/v1\/(session|invitations|first-owner|sign-up)/.test(url);
  if (own === undefined && !isPublic) return undefined;
  const byPath = NOUN_BY_PATH.find(([path]) => path.test(url))?.[1];
  if (own !== "run") {
    const noun = byPath ?? own ?? "invitation";
    return { noun, verb, subjectType: noun };
  }
  // The path of a request for a run names the storage; that of a run names the run.
  return { noun: "run", verb, subjectType: verb === "requested" ? (byPath ?? "storage") : "run" };
}
