import type { StorageFilter, StorageRecord } from "@bucketbridge/db";
import type { FastifyRequest } from "fastify";
import { nonFieldError, notFound } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { queryValue, toIntId } from "../query.ts";
import { readStatuses } from "./read-status.ts";
import { toStorageView } from "./view.ts";
import { findWireShape, WIRE_SHAPES } from "./wire-shapes.ts";

type Deps = Pick<ApiDeps, "projects" | "storages" | "runs" | "issues" | "deliveries">;

/** The project that a list of one type is asked for; the contract has a sentence for each way to get it wrong. */
export async function requireProject(
  { projects }: Pick<Deps, "projects">,
  request: FastifyRequest,
): Promise<number> {
  const raw = queryValue(request, "project");
  if (raw === undefined || raw === "") throw nonFieldError('query parameter "project" is required');
  const projectId = toIntId(raw);
  if (projectId === undefined) throw notFound();
  const project = await projects.find(identityOf(request).organizationId, projectId);
  if (project === undefined) throw notFound("Project");
  return projectId;
}

/** The project of a generic list: absent, unknown and malformed ones give an empty list (ls-api §1.3). */
export async function findProject(
  { projects }: Pick<Deps, "projects">,
  request: FastifyRequest,
): Promise<number | undefined> {
  const projectId = toIntId(queryValue(request, "project"));
  if (projectId === undefined) return undefined;
  const project = await projects.find(identityOf(request).organizationId, projectId);
  return project === undefined ? undefined : projectId;
}

/** Sources or targets of a project as the contract lists them: by type in its order, then by id. */
export async function listStorages(
  deps: Deps,
  request: FastifyRequest,
  filter: StorageFilter & { readonly projectId: number },
): Promise<readonly Record<string, unknown>[]> {
  const { organizationId } = identityOf(request);
  const found = await deps.storages.list(organizationId, filter);
  const ordered = found.toSorted((a, b) => rankOf(a) - rankOf(b) || a.id - b.id);
  const statuses = await readStatuses(deps, organizationId, ordered);
  return ordered.flatMap((storage, index) => {
    const shape = findWireShape(storage.provider);
    const status = statuses[index];
    return shape === undefined || status === undefined
      ? []
      : [toStorageView(shape, storage, status)];
  });
}

function rankOf({ provider }: StorageRecord): number {
  return WIRE_SHAPES.findIndex(({ name }) => name === provider);
}
