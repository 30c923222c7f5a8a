import fs from "node:fs";
import path from "node:path";
import type { ApiClient } from "./api-client.ts";

const POLL_MS = 500;
const TITLE = "Exported annotations";
/** A choice of the label config of the first run's project. */
const RESULT = [
  {
    id: "first",
    from_name: "shape",
    to_name: "image",
    type: "choices",
    value: { choices: ["circle"] },
  },
];

interface Target extends Readonly<Record<string, unknown>> {
  readonly id: number;
  readonly status: string;
  readonly last_sync_count: number | null;
  readonly traceback: string | null;
}

interface Annotation {
  readonly id: number;
  readonly created_at: string;
}

interface Work {
  readonly annotation: Annotation;
  /** Annotations of the project. */
  readonly total: number;
}

/** What the first export brought. */
export interface FirstExportResult {
  /** One sentence: where the file is, or why there is none. */
  readonly summary: string;
  /** A sentence for each thing that is not as it should be; empty when all is well. */
  readonly problems: readonly string[];
}

/**
 * Connects `exports` below the document root as a target, annotates the first task when nothing is annotated yet, and looks for
 * the file. A folder that cannot be written is no problem: then there is no export.
 */
export async function runFirstExport(
  api: ApiClient,
  projectId: number,
  documentRoot: string,
): Promise<FirstExportResult> {
  const folder = path.join(documentRoot, "exports");
  const obstacle = ensureFolder(folder);
  if (obstacle !== undefined) {
    const summary = `no local target: ${folder} cannot be written (${obstacle})`;
    return { summary, problems: [] };
  }
  const { id } = await ensureTarget(api, projectId, folder);
  const work = await ensureAnnotation(api, projectId);
  if (work === undefined) return { summary: "nothing to export: no task yet", problems: [] };
  const target = await syncTarget(api, id);
  const file = path.join(folder, String(work.annotation.id));
  const problems = findProblems(target, work, file);
  const summary = `${target.status}: ${String(target.last_sync_count ?? 0)} annotations written, the first one to ${file}`;
  return { summary, problems };
}

/** The reason why the folder cannot be used; undefined when it can. */
function ensureFolder(folder: string): string | undefined {
  try {
    fs.mkdirSync(folder, { recursive: true });
    fs.accessSync(folder, fs.constants.W_OK);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function ensureTarget(api: ApiClient, projectId: number, folder: string): Promise<Target> {
  const url = "/api/storages/export/localfiles";
  const targets = await api.get<Target[]>(`${url}?project=${String(projectId)}`);
  const found = targets.find((target) => target["path"] === folder);
  return found ?? api.post<Target>(url, { project: projectId, path: folder, title: TITLE });
}

/** The first annotation of the first task, made when nobody made one yet; undefined: the project has no task. */
async function ensureAnnotation(api: ApiClient, projectId: number): Promise<Work | undefined> {
  const first = `/api/tasks/?project=${String(projectId)}&page_size=1`;
  const { tasks } = await api.get<{ tasks: { id: number }[] }>(first);
  const [task] = tasks;
  if (task === undefined) return undefined;
  const url = `/api/tasks/${String(task.id)}/annotations/`;
  const annotations = await api.get<Annotation[]>(url);
  const annotation =
    annotations[0] ?? (await api.post<Annotation>(url, { result: RESULT, lead_time: 1 }));
  const { total_annotations: total } = await api.get<{ total_annotations: number }>(first);
  return { annotation, total };
}

async function syncTarget(api: ApiClient, id: number): Promise<Target> {
  const url = `/api/storages/export/localfiles/${String(id)}`;
  let target = await api.post<Target>(`${url}/sync`);
  while (target.status === "queued" || target.status === "in_progress") {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    target = await api.get<Target>(url);
  }
  return target;
}

function findProblems(target: Target, { annotation, total }: Work, file: string): string[] {
  const problems: string[] = [];
  if (target.status !== "completed") {
    problems.push(`the export ended as ${target.status}: ${target.traceback ?? "no reason given"}`);
  }
  const written = target.last_sync_count ?? 0;
  if (written !== total) {
    problems.push(
      `the project has ${String(total)} annotations, but the export wrote ${String(written)}`,
    );
  }
  if (!holds(file, annotation)) {
    problems.push(`${file} does not hold annotation ${String(annotation.id)}`);
  }
  return problems;
}

/** The moment tells it from a file of the same name that an earlier data directory left behind. */
function holds(file: string, { id, created_at }: Annotation): boolean {
  try {
    const found = JSON.parse(fs.readFileSync(file, "utf8")) as Partial<Annotation>;
    return found.id === id && found.created_at === created_at;
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (isMissing || error instanceof SyntaxError) return false;
    throw error;
  }
}
