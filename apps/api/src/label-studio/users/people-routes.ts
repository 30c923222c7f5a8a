import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { forbidden, notFound } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { MAX_PASSWORD_CHARS, MIN_PASSWORD_CHARS, type Passwords } from "../../passwords.ts";
import type { Permission } from "../../permissions.ts";
import { bodyOf, FieldReader } from "../fields.ts";
import { pathId } from "../query.ts";
import { assertDone, toMemberChange } from "./member-change.ts";
import { toUserView } from "./view.ts";

type Deps = Pick<ApiDeps, "users" | "members"> & { readonly passwords: Passwords };

/** Entries of the contract's list, which has no pages. */
const MAX_LISTED = 1_000;
const MAX_NAME_CHARS = 256;
const email = z.email();

/** People of the organisation: list, make, get, rename oneself, remove. */
export function registerPeopleRoutes(app: FastifyInstance, deps: Deps): void {
  const needs = (permission: Permission) => ({
    config: {
      permission,
      ...(permission === "profile.change" ? { within: "person" as const } : {}),
    },
    schema: { tags: ["users"] },
  });
  app.get("/api/users/", needs("members.view"), async (request) => {
    const everybody = { search: undefined, roles: undefined, limit: MAX_LISTED, offset: 0 };
    const { members } = await deps.members.list(identityOf(request).organizationId, everybody);
    return members.map((member) => toUserView(member));
  });
  app.post("/api/users/", needs("members.change"), (request, reply) =>
    createUser(deps, request, reply),
  );
  app.get("/api/users/:id/", needs("members.view"), async (request) =>
    toUserView(await getUser(deps, request)),
  );
  app.patch("/api/users/:id/", needs("profile.change"), (request) => renameSelf(deps, request));
  app.delete("/api/users/:id/", needs("members.change"), async (request, reply) => {
    const change = toMemberChange(request, pathId(request, "User"));
    assertDone(await deps.members.remove(identityOf(request).organizationId, change));
    return reply.code(204).send();
  });
}

async function getUser({ users }: Deps, request: FastifyRequest) {
  const { organizationId } = identityOf(request);
  const member = await users.findMember(organizationId, pathId(request, "User"));
  if (member === undefined) throw notFound("User");
  return member;
}

/** An annotator with a password, where the body has one; an invitation lets people choose their own. */
async function createUser(
  { members, passwords }: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const fields = new FieldReader(bodyOf(request));
  const names = readNames(fields);
  const address = fields.text("email", { required: true, maxLength: 254 })?.toLowerCase() ?? "";
  if (address !== "" && !email.safeParse(address).success)
    fields.fail("email", "Enter a valid email address.");
  const lengths = { trim: false, minLength: MIN_PASSWORD_CHARS, maxLength: MAX_PASSWORD_CHARS };
  const password = fields.text("password", lengths) ?? undefined;
  fields.finish();
  const member = await members.create(identityOf(request).organizationId, {
    email: address,
    firstName: names.firstName ?? "",
    lastName: names.lastName ?? "",
    role: "annotator",
    passwordHash: password === undefined ? undefined : await passwords.hash(password),
  });
  if (member === undefined) {
    fields.fail("email", "user with this email address already exists.");
    fields.finish();
  }
  return reply.code(201).send(member === undefined ? {} : toUserView(member));
}

async function renameSelf(deps: Deps, request: FastifyRequest): Promise<unknown> {
  const { organizationId, userId } = identityOf(request);
  if ((await getUser(deps, request)).userId !== userId) throw forbidden();
  const fields = new FieldReader(bodyOf(request));
  const names = readNames(fields);
  fields.finish();
  const member = await deps.members.rename(organizationId, userId, names);
  if (member === undefined) throw notFound("User");
  return toUserView(member);
}

function readNames(fields: FieldReader): { firstName?: string; lastName?: string } {
  const rule = { maxLength: MAX_NAME_CHARS };
  const [firstName, lastName] = [fields.text("first_name", rule), fields.text("last_name", rule)];
  return {
    ...(typeof firstName === "string" ? { firstName } : {}),
    ...(typeof lastName === "string" ? { lastName } : {}),
  };
}
