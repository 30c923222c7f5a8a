import type { StorageRecord } from "@bucketbridge/db";
import { replaceReferences, type ReferenceSources } from "@bucketbridge/sync";
import type { ApiDeps } from "../deps.ts";
import { encodeFileUri } from "./file-uri.ts";
import type { ProjectReferences } from "./project-references.ts";

/** Task data as a browser can use them. */
export type ResolveData = (task: ResolvableTask, data: unknown) => unknown;

/** A task as far as its references matter. */
export interface ResolvableTask {
  readonly id: number;
  readonly storageId: number | null;
}

/** Turns the references of a project's tasks into URLs of ours. What no source of the project may serve stays as it is. */
export async function makeResolveData(
  {
    settings,
    storages,
    references,
  }: Pick<ApiDeps, "settings" | "storages"> & { readonly references: ProjectReferences },
  project: Pick<StorageRecord, "organizationId" | "projectId">,
): Promise<ResolveData> {
  const { organizationId, projectId } = project;
  const found = await storages.list(organizationId, { direction: "source", projectId });
  const sources = await references.of(found);
  if (sources.prefixes.length === 0) return (_task, data) => data;
  return (task, data) => resolveData(task, data, sources, settings.hostPrefix);
}

function resolveData(
  task: ResolvableTask,
  data: unknown,
  sources: ReferenceSources,
  hostPrefix: string,
): unknown {
  const base = `${hostPrefix}/tasks/${String(task.id)}/resolve/?fileuri=`;
  return replaceReferences(data, sources.prefixes, (reference) =>
    sources.resolve(reference, task.storageId) === undefined
      ? undefined
      : base + encodeFileUri(reference),
  );
}
