import type { DraftRecord, ProjectRecord, TaskRecord } from "@bucketbridge/db";
import type { FastifyRequest } from "fastify";
import { invalidPage, notFound, validationError, ApiError } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { readPage } from "../paging.ts";
import { makeResolveData, type ResolveData } from "../../media/resolve-urls.ts";
import type { ProjectAccess } from "../../project-access.ts";
import type { ProjectReferences } from "../../media/project-references.ts";
import { pathId, queryFlag, queryList, queryValue, toIntId } from "../query.ts";
import type { People } from "./annotation-view.ts";
import { readTaskQuery } from "./query-filter.ts";
import { toTaskColumnViewWithWork, toTaskView, type TaskContext } from "./view.ts";

/** What handlers of tasks need. */
export type TaskDeps = Pick<
  ApiDeps,
  "tasks" | "projects" | "annotations" | "drafts" | "users" | "clock"
>;

/** What handlers that show tasks to a browser need besides. */
export type ShownTaskDeps = TaskDeps &
  Pick<ApiDeps, "settings" | "storages"> & {
    readonly references: ProjectReferences;
    readonly projectAccess: ProjectAccess;
  };

type View = Record<string, unknown>;

const DEFAULT_PAGE_SIZE = 100;
/** `page_size=-1` asks this list for all tasks; it gives this many. */
const ALL_TASKS = 10_000;

/** `GET /api/tasks/`: the data manager's list of a project. */
export async function listTasks(deps: ShownTaskDeps, request: FastifyRequest): Promise<View> {
  const { organizationId } = identityOf(request);
  const project = await projectOfList(deps, request);
  const page = readPage(request, {
    default: DEFAULT_PAGE_SIZE,
    max: deps.settings.lists.maxTaskPage,
  });
  const { filter, orders } = readTaskQuery(request);
  const { id: projectId, dataKey } = project;
  const totals = await deps.tasks.total(organizationId, { projectId, dataKey, filter });
  const tasks = await deps.tasks.list(organizationId, {
    projectId,
    dataKey,
    filter,
    orders,
    limit: page.pageSize,
    offset: page.offset,
  });
  if (tasks.length === 0 && page.page > 1) throw invalidPage();
  const isFull = queryValue(request, "fields") === "all";
  const { userId } = identityOf(request);
  const contexts = await makeContexts(deps, project, tasks, {
    isFull,
    expanded: false,
    draftsOf: userId,
    resolve: await toResolve(deps, project, request),
  });
  const include = queryList(request, "include");
  return {
    total_annotations: totals.annotations,
    total_predictions: totals.predictions,
    total: totals.tasks,
    tasks: tasks.map((task, index) => only(toTaskView(task, contextAt(contexts, index)), include)),
  };
}

/** `GET /api/tasks/{id}/`. */
export async function getTask(deps: ShownTaskDeps, request: FastifyRequest): Promise<View> {
  const { task, project } = await findTask(deps, request);
  const contexts = await makeContexts(deps, project, [task], {
    isFull: true,
    expanded: true,
    draftsOf: identityOf(request).userId,
    resolve: await toResolve(deps, project, request),
  });
  return toTaskView(task, contextAt(contexts, 0));
}

/** References become URLs unless `resolve_uri=false` asks for the data as they are stored. */
async function toResolve(
  deps: ShownTaskDeps,
  { organizationId, id: projectId }: ProjectRecord,
  request: FastifyRequest,
): Promise<ResolveData | undefined> {
  if (!queryFlag(request, "resolve_uri", true)) return undefined;
  return makeResolveData(deps, { organizationId, projectId });
}

/** `GET /api/projects/{id}/tasks/`: a plain list, the last changed task first. */
export async function listProjectTasks(
  deps: TaskDeps & Pick<ApiDeps, "settings">,
  request: FastifyRequest,
): Promise<View[]> {
  const { organizationId } = identityOf(request);
  const project = await findProject(deps, request);
  const isAll = queryValue(request, "page_size") === "-1";
  const page = readProjectPage(request, deps.settings.lists.maxTaskPage);
  const tasks = await deps.tasks.list(organizationId, {
    projectId: project.id,
    dataKey: project.dataKey,
    filter: { conjunction: "and", conditions: [] },
    orders: [{ field: { kind: "column", column: "updatedAt" }, descending: true }],
    limit: isAll ? ALL_TASKS : page.pageSize,
    offset: isAll ? 0 : page.offset,
  });
  if (tasks.length === 0) throw notFound();
  return toColumnViews(deps, project, tasks);
}

function readProjectPage(
  request: FastifyRequest,
  max: number,
): {
  readonly pageSize: number;
  readonly offset: number;
} {
  try {
    return readPage(request, { default: 50, max });
  } catch (error) {
    // This list says "Not found." where the others say "Invalid page.".
    if (error instanceof ApiError && error.status === 404) throw notFound();
    throw error;
  }
}

/** Tasks with their annotations and predictions in the shape of PATCH. */
export async function toColumnViews(
  deps: TaskDeps,
  project: ProjectRecord,
  tasks: readonly TaskRecord[],
): Promise<View[]> {
  const contexts = await makeContexts(deps, project, tasks, { isFull: true, expanded: false });
  return tasks.map((task, index) => toTaskColumnViewWithWork(task, contextAt(contexts, index)));
}

/** The task of the path and its project; 404 for one of another organisation. */
export async function findTask(
  deps: Pick<TaskDeps, "tasks" | "projects">,
  request: FastifyRequest,
): Promise<{ task: TaskRecord; project: ProjectRecord }> {
  const { organizationId } = identityOf(request);
  const task = await deps.tasks.find(organizationId, pathId(request, "Task", "bigint"));
  const project =
    task === undefined ? undefined : await deps.projects.find(organizationId, task.projectId);
  if (task === undefined || project === undefined) throw notFound("Task");
  return { task, project };
}

/** The project of the path; 404 for one of another organisation. */
export async function findProject(
  { projects }: Pick<TaskDeps, "projects">,
  request: FastifyRequest,
): Promise<ProjectRecord> {
  const project = await projects.find(
    identityOf(request).organizationId,
    pathId(request, "Project"),
  );
  if (project === undefined) throw notFound("Project");
  return project;
}

/** `project` or `view` must say which tasks; views do not exist. */
async function projectOfList(
  { projects, projectAccess }: ShownTaskDeps,
  request: FastifyRequest,
): Promise<ProjectRecord> {
  const name = queryValue(request, "project");
  if (name === undefined || name === "") {
    if (queryValue(request, "view") !== undefined) throw notFound("View");
    const detail = "Neither project nor view id specified";
    throw new ApiError({ status: 404, code: "not_found", detail, body: { detail } });
  }
  if (!/^\d+$/.test(name))
    throw validationError({
      project: `Incorrect value in key "project" = "${name}". It should be digit string.`,
    });
  const projectId = toIntId(name);
  const project =
    projectId === undefined
      ? undefined
      : await projects.find(identityOf(request).organizationId, projectId);
  if (project === undefined) throw notFound("Project");
  await projectAccess.assertProjectSeen(request, project.id);
  return project;
}

interface ContextOptions {
  readonly isFull: boolean;
  readonly expanded: boolean;
  /** The user whose drafts are shown. */
  readonly draftsOf?: number;
  /** Absent: references stay as they are stored. */
  readonly resolve?: ResolveData | undefined;
}

async function makeContexts(
  deps: TaskDeps,
  project: ProjectRecord,
  tasks: readonly TaskRecord[],
  options: ContextOptions,
): Promise<TaskContext[]> {
  const { organizationId, dataKey } = project;
  const { expanded, resolve } = options;
  const base = { dataKey, nowMs: deps.clock.now(), expanded, resolve };
  const nobody: People = new Map();
  if (!options.isFull || tasks.length === 0)
    return tasks.map(() => ({ ...base, people: nobody, work: undefined }));
  const taskIds = tasks.map(({ id }) => id);
  const work = await deps.annotations.listOfTasks(organizationId, taskIds);
  const ownDrafts = await findDrafts(deps, organizationId, work.draftTaskIds, options.draftsOf);
  const people = await findPeople(deps, organizationId, [
    ...work.annotations.flatMap(({ completedById }) => completedById ?? []),
    ...ownDrafts.map(({ userId }) => userId),
  ]);
  const drafts = Map.groupBy(ownDrafts, ({ taskId }) => taskId);
  const annotations = Map.groupBy(work.annotations, ({ taskId }) => taskId);
  const predictions = Map.groupBy(work.predictions, ({ taskId }) => taskId);
  return tasks.map(({ id }) => ({
    ...base,
    people,
    work: {
      annotations: annotations.get(id) ?? [],
      predictions: predictions.get(id) ?? [],
      drafts: drafts.get(id) ?? [],
      hasDraft: work.draftTaskIds.has(id),
    },
  }));
}

async function findDrafts(
  { drafts }: TaskDeps,
  organizationId: number,
  taskIds: ReadonlySet<number>,
  userId: number | undefined,
): Promise<readonly DraftRecord[]> {
  if (userId === undefined || taskIds.size === 0) return [];
  return drafts.list(organizationId, { taskIds: [...taskIds], userId });
}

/** Members by their ids; people who are none any more are missing. */
export async function findPeople(
  { users }: Pick<TaskDeps, "users">,
  organizationId: number,
  userIds: readonly number[],
): Promise<People> {
  if (userIds.length === 0) return new Map();
  const members = await users.listMembers(organizationId, [...new Set(userIds)]);
  return new Map(members.map((member) => [member.userId, member]));
}

function contextAt(contexts: readonly TaskContext[], index: number): TaskContext {
  const context = contexts[index];
  if (context === undefined) throw notFound("Task");
  return context;
}

/** `include` keeps only the keys that it names. */
function only(view: View, include: readonly string[] | undefined): View {
  if (include === undefined || include.length === 0) return view;
  return Object.fromEntries(Object.entries(view).filter(([key]) => include.includes(key)));
}
