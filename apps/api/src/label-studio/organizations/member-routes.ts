import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { notFound } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import type { Permission, Role } from "../../permissions.ts";
import { bodyOf, FieldReader } from "../fields.ts";
import { pageLinks, readPage } from "../paging.ts";
import { pathParameterId, queryList, queryValue } from "../query.ts";
import { assertDone, toMemberChange } from "../users/member-change.ts";
import { toRole } from "../users/role-code.ts";
import { toMembershipView, toMemberView } from "../users/view.ts";

type Deps = Pick<ApiDeps, "users" | "members">;

const PAGE_SIZES = { default: 30, max: 500 };

/** Members of the caller's organisation: list, get, change the role, remove. */
export function registerMembershipRoutes(app: FastifyInstance, deps: Deps): void {
  const needs = (permission: Permission) =>
    ({
      config: { permission, within: "organization" },
      schema: { tags: ["organizations"] },
    }) as const;
  const memberships = "/api/organizations/:id/memberships";
  app.get(memberships, needs("members.view"), (request) => listMembers(deps, request));
  app.patch(memberships, needs("members.change"), (request) => changeRole(deps, request));
  app.get(`${memberships}/:userId/`, needs("members.view"), async (request) =>
    toMemberView(
      await getMember(deps, request, pathParameterId(request, "userId", "OrganizationMember")),
    ),
  );
  app.delete(`${memberships}/:userId/`, needs("members.change"), (request, reply) =>
    removeMember(deps, request, reply),
  );
}

async function listMembers({ members }: Deps, request: FastifyRequest): Promise<unknown> {
  const { organizationId } = identityOf(request);
  const page = readPage(request, PAGE_SIZES);
  const { total, members: found } = await members.list(organizationId, {
    search: queryValue(request, "search"),
    roles: queryList(request, "role")?.flatMap((code): Role[] => {
      const role = toRole(code);
      return role === undefined ? [] : [role];
    }),
    limit: page.pageSize,
    offset: page.offset,
  });
  // Past the end is an empty page: the SDK asks for pages until one is.
  return {
    count: total,
    ...pageLinks(request, page, total),
    results: found.map((member) => toMembershipView(member)),
  };
}

async function changeRole(deps: Deps, request: FastifyRequest): Promise<unknown> {
  const { organizationId } = identityOf(request);
  const fields = new FieldReader(bodyOf(request));
  const userId = fields.integer("user_id", { required: true });
  const code = fields.text("role", { required: true });
  const role = typeof code === "string" ? toRole(code) : undefined;
  if (typeof code === "string" && code !== "" && role === undefined)
    fields.fail("role", `"${code}" is not a valid choice.`);
  fields.finish();
  if (userId === undefined || userId === null || role === undefined)
    throw notFound("OrganizationMember");
  assertDone(await deps.members.changeRole(organizationId, toMemberChange(request, userId), role));
  return toMembershipView(await getMember(deps, request, userId));
}

async function getMember({ users }: Deps, request: FastifyRequest, userId: number) {
  const member = await users.findMember(identityOf(request).organizationId, userId);
  if (member === undefined) throw notFound("OrganizationMember");
  return member;
}

async function removeMember(
  { members }: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const userId = pathParameterId(request, "userId", "OrganizationMember");
  const change = toMemberChange(request, userId);
  assertDone(await members.remove(identityOf(request).organizationId, change));
  return reply.code(204).send();
}
