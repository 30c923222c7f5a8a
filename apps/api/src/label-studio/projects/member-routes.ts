import type { FastifyInstance, FastifyRequest } from "fastify";
import { notFound, validationError } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { bodyOf, FieldReader } from "../fields.ts";
import { pageLinks, readPage } from "../paging.ts";
import { pathId, queryValue, toIntId } from "../query.ts";
import { ROLE_CODES } from "../users/role-code.ts";
import { toUserView } from "../users/view.ts";

type Deps = Pick<ApiDeps, "projects" | "members" | "projectMembers">;

const PAGE_SIZES = { default: 30, max: 500 };

/** Who sees a project, of the people whose role alone does not say so. */
export function registerProjectMemberRoutes(app: FastifyInstance, deps: Deps): void {
  const schema = { tags: ["projects"] };
  const view = { config: { permission: "members.view" }, schema } as const;
  const change = { config: { permission: "projects.change" }, schema } as const;
  app.get("/api/projects/:id/members/paginated/", view, (request) => listMembers(deps, request));
  app.post("/api/projects/:id/members/", change, async (request, reply) => {
    const { organizationId, projectId } = await findProject(deps, request);
    const fields = new FieldReader(bodyOf(request));
    const user = fields.integer("user", { required: true }) ?? 0;
    fields.finish();
    if (!(await deps.projectMembers.add(organizationId, projectId, user))) throw noSuchUser(user);
    return reply.code(201).send({ user });
  });
  app.delete("/api/projects/:id/members/", change, async (request, reply) => {
    const { organizationId, projectId } = await findProject(deps, request);
    const user = toIntId(queryValue(request, "user"));
    if (user === undefined) throw validationError({ user: ["This field is required."] });
    if (!(await deps.projectMembers.remove(organizationId, projectId, user)))
      throw notFound("User");
    return reply.code(204).send();
  });
}

async function findProject({ projects }: Deps, request: FastifyRequest) {
  const { organizationId } = identityOf(request);
  const projectId = pathId(request, "Project");
  if ((await projects.find(organizationId, projectId)) === undefined) throw notFound("Project");
  return { organizationId, projectId };
}

async function listMembers(deps: Deps, request: FastifyRequest): Promise<unknown> {
  const { organizationId, projectId } = await findProject(deps, request);
  const page = readPage(request, PAGE_SIZES);
  const { total, members } = await deps.members.list(organizationId, {
    search: queryValue(request, "search"),
    roles: undefined,
    projectId,
    limit: page.pageSize,
    offset: page.offset,
  });
  // Past the end is an empty page: the SDK asks for pages until one is.
  const results = members.map((member) => ({
    ...toUserView(member),
    project_role: ROLE_CODES[member.role],
    implicit_member: false,
  }));
  return { count: total, ...pageLinks(request, page, total), results };
}

function noSuchUser(user: number) {
  return validationError({ user: [`Invalid pk "${String(user)}" - object does not exist.`] });
}
