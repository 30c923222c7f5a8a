import fs from "node:fs";
import { AppError } from "@bucketbridge/core";
import type { ApiClient } from "./api-client.ts";
import type { SourceSpec } from "./source-spec.ts";

const PROJECT_TITLE = "Bucketbridge samples";
const LABEL_CONFIG =
  '<View><Image name="image" value="$image"/><Choices name="shape" toName="image">' +
  '<Choice value="circle"/><Choice value="square"/><Choice value="stripe"/></Choices></View>';
const POLL_MS = 500;

interface Storage extends Readonly<Record<string, unknown>> {
  readonly id: number;
  readonly status: string;
  readonly last_sync_count: number | null;
  readonly traceback: string | null;
  readonly meta: Readonly<Record<string, unknown>>;
}

/** What the first run brought, counted by the API. */
export interface FirstRunResult {
  readonly projectId: number;
  readonly storageId: number;
  readonly status: string;
  readonly created: number;
  readonly existed: number;
  readonly tasks: number;
  /** A sentence for each count that is not what it should be; empty when all is well. */
  readonly problems: readonly string[];
}

/** Finds or makes the project and its source, syncs, and counts. `onProgress` gets a short text while it runs. */
export async function runFirstImport(
  api: ApiClient,
  source: SourceSpec,
  onProgress: (text: string) => void,
): Promise<FirstRunResult> {
  const projectId = await ensureProject(api);
  const { id } = await ensureStorage(api, projectId, source);
  const base = `/api/storages/${source.type}/${String(id)}`;
  let storage = await api.post<Storage>(`${base}/sync`);
  while (storage.status === "queued" || storage.status === "in_progress") {
    onProgress(`${storage.status} · ${String(storage.last_sync_count ?? 0)} new tasks`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    storage = await api.get<Storage>(base);
  }
  const page = await api.get<{ total: number }>(
    `/api/tasks/?project=${String(projectId)}&page_size=1`,
  );
  const created = storage.last_sync_count ?? 0;
  const existed = Number(storage.meta["tasks_existed"] ?? 0);
  const result = {
    projectId,
    storageId: id,
    status: storage.status,
    created,
    existed,
    tasks: page.total,
  };
  return { ...result, problems: findProblems(result, storage, source) };
}

async function ensureProject(api: ApiClient): Promise<number> {
  const projects = await api.get<{ results: { id: number; title: string }[] }>(
    `/api/projects/?page_size=100&title=${encodeURIComponent(PROJECT_TITLE)}`,
  );
  const found = projects.results.find((project) => project.title === PROJECT_TITLE);
  if (found !== undefined) return found.id;
  const made = await api.post<{ id: number }>("/api/projects/", {
    title: PROJECT_TITLE,
    label_config: LABEL_CONFIG,
  });
  return made.id;
}

async function ensureStorage(
  api: ApiClient,
  projectId: number,
  source: SourceSpec,
): Promise<Storage> {
  const path = `/api/storages/${source.type}/`;
  const storages = await api.get<Storage[]>(`${path}?project=${String(projectId)}`);
  const { field, value } = source.identity;
  const found = storages.find(
    (storage) =>
      storage[field] === value && (storage["prefix"] ?? null) === (source.fields["prefix"] ?? null),
  );
  if (found !== undefined) return found;
  return api.post<Storage>(path, { ...source.fields, project: projectId, title: source.label });
}

function findProblems(
  result: Omit<FirstRunResult, "problems">,
  storage: Storage,
  source: SourceSpec,
): string[] {
  const problems: string[] = [];
  if (result.status !== "completed") {
    problems.push(`the sync ended as ${result.status}: ${storage.traceback ?? "no reason given"}`);
  }
  const expected = source.type === "localfiles" ? countFiles(source.identity.value) : undefined;
  if (expected !== undefined && result.created + result.existed !== expected) {
    problems.push(
      `${String(expected)} files lie in ${source.label}, but the sync counted ${String(result.created + result.existed)} tasks`,
    );
  }
  if (result.tasks < result.created + result.existed) {
    problems.push(
      `the sync counted ${String(result.created + result.existed)} tasks, but the project has ${String(result.tasks)}`,
    );
  }
  return problems;
}

function countFiles(folder: string): number {
  try {
    return fs
      .readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile()).length;
  } catch (error) {
    throw new AppError({
      code: "invalid_input",
      message: `the folder ${folder} cannot be read`,
      cause: error,
    });
  }
}
