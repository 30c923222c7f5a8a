import type { PROJECT_ORDERS, ProjectQuery, ProjectRecord } from "@bucketbridge/db";
import type { FastifyReply, FastifyRequest } from "fastify";
import { invalidPage, notFound, validationError } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import type { ProjectAccess } from "../../project-access.ts";
import { isFormBody } from "../body-parsers.ts";
import { bodyOf, FieldReader } from "../fields.ts";
import { parseLabelConfig } from "../label-config/label-config.ts";
import { pageLinks, readPage, type PageRequest } from "../paging.ts";
import { pathId, queryList, queryValue, toIntId } from "../query.ts";
import { readProjectFields } from "./fields.ts";
import { toProjectView } from "./view.ts";

type Deps = Pick<ApiDeps, "projects"> & { readonly projectAccess: ProjectAccess };
type Handler<Result> = (request: FastifyRequest) => Promise<Result>;
type View = Record<string, unknown>;

/** Handlers of `/api/projects/`. */
export interface ProjectHandlers {
  readonly list: Handler<View>;
  readonly create: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;
  readonly get: Handler<View>;
  readonly update: Handler<View>;
  readonly remove: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;
  readonly validate: Handler<View>;
}

const PAGE_SIZES = { default: 30, max: 100 };

/** The contract's names of what a list can be ordered by. */
const ORDER_NAMES = new Map<string, (typeof PROJECT_ORDERS)[number]>([
  ["id", "id"],
  ["title", "title"],
  ["created_at", "createdAt"],
  ["updated_at", "updatedAt"],
]);

export function makeProjectHandlers({ projects, projectAccess }: Deps): ProjectHandlers {
  const withCounts = async (project: ProjectRecord): Promise<View> => {
    const counts = await projects.count(project.organizationId, [project.id]);
    return toProjectView(project, counts.get(project.id));
  };
  return {
    list: async (request) => {
      const { organizationId } = identityOf(request);
      const page = readPage(request, PAGE_SIZES);
      const visibleIds = await projectAccess.visibleProjects(request);
      const query = { ...readQuery(request, page), visibleIds };
      const { total, projects: found } = await projects.list(organizationId, query);
      if (found.length === 0 && page.page > 1) throw invalidPage();
      const ids = found.map(({ id }) => id);
      const counts = await projects.count(organizationId, ids);
      const results = found.map((project) => toProjectView(project, counts.get(project.id)));
      return { count: total, ...pageLinks(request, page, total), results };
    },
    create: async (request, reply) => {
      const { organizationId, userId } = identityOf(request);
      const fields = readProjectFields(bodyOf(request), { isNewForm: isFormBody(request) });
      const project = await projects.create(organizationId, userId, fields);
      return reply.code(201).send(toProjectView(project, undefined));
    },
    get: async (request) => {
      const project = await projects.find(
        identityOf(request).organizationId,
        pathId(request, "Project"),
      );
      if (project === undefined) throw notFound("Project");
      return withCounts(project);
    },
    update: async (request) => {
      const { organizationId } = identityOf(request);
      const projectId = pathId(request, "Project");
      const isNewForm = request.method === "PUT" && isFormBody(request);
      const fields = readProjectFields(bodyOf(request), { isNewForm });
      const project = await projects.update(organizationId, projectId, fields);
      if (project === undefined) throw notFound("Project");
      return withCounts(project);
    },
    remove: async (request, reply) => {
      const removed = await projects.remove(
        identityOf(request).organizationId,
        pathId(request, "Project"),
      );
      if (!removed) throw notFound("Project");
      return reply.code(204).send();
    },
    validate: (request) => validateConfig(projects, request),
  };
}

async function validateConfig(projects: Deps["projects"], request: FastifyRequest): Promise<View> {
  const project = await projects.find(
    identityOf(request).organizationId,
    pathId(request, "Project"),
  );
  if (project === undefined) throw notFound("Project");
  const fields = new FieldReader(bodyOf(request));
  const labelConfig = fields.text("label_config", { required: true });
  fields.finish();
  const result = parseLabelConfig(labelConfig ?? "");
  if ("problem" in result) throw validationError({ label_config: [result.problem] });
  return { config_essential_data_has_changed: null };
}

function readQuery(request: FastifyRequest, page: PageRequest): ProjectQuery {
  const ordering = queryValue(request, "ordering") ?? "-id";
  const orderBy = ORDER_NAMES.get(ordering.replace(/^-/, ""));
  const ids = queryList(request, "ids")?.flatMap((text) => toIntId(text) ?? []);
  return {
    ids,
    title: queryValue(request, "title"),
    orderBy: orderBy ?? "id",
    descending: orderBy === undefined || ordering.startsWith("-"),
    limit: page.pageSize,
    offset: page.offset,
  };
}
