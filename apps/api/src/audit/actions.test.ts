import { expect, it } from "vitest";
import { findAction } from "./actions.ts";

it.each([
  ["POST", "/api/storages/:type/", "storages.change", "storage.created"],
  ["PATCH", "/api/storages/export/:type/:id", "storages.change", "target.changed"],
  ["DELETE", "/api/storages/:type/:id", "storages.change", "storage.deleted"],
  ["POST", "/api/storages/:type/:id/sync", "storages.sync", "run.requested"],
  ["POST", "/api/storages/export/:type/:id/sync", "storages.sync", "run.requested"],
  ["POST", "/api/v1/runs/:id/cancel", "runs.change", "run.canceled"],
  ["POST", "/api/projects/:id/members/", "projects.change", "project_member.created"],
  ["POST", "/api/v1/projects/:id/event-keys", "projects.change", "event_key.created"],
  ["PATCH", "/api/organizations/:id/memberships", "members.change", "member.changed"],
  ["POST", "/api/jwt/settings", "organizations.change", "organization.changed"],
  ["POST", "/api/v1/tokens", "users.token.any", "token.created"],
  ["DELETE", "/api/v1/session", "users.token.any", "session.deleted"],
  ["PUT", "/api/v1/password", "profile.change", "profile.changed"],
  ["POST", "/api/v1/session", undefined, "session.created"],
  ["POST", "/api/v1/invitations/accept", undefined, "invitation.accepted"],
  ["POST", "/api/v1/first-owner", undefined, "organization.created"],
  ["GET", "/api/storages/:type/:id", "storages.view", undefined],
  ["POST", "/api/storages/:type/validate", "storages.change", undefined],
  ["POST", "/api/storages/:type/files", "storages.change", undefined],
  ["POST", "/api/tasks/:id/annotations/", "annotations.create", undefined],
  ["POST", "/api/v1/annotation-events", undefined, undefined],
] as const)("calls %s %s (%s) %s", (method, url, permission, action) => {
  const found = findAction(method, url, permission);
  expect(found === undefined ? undefined : `${found.noun}.${found.verb}`).toBe(action);
});
