import {
  idParams,
  listTokensQuery,
  newServiceToken,
  serviceTokenList,
  serviceTokenRequest,
  type ServiceTokenView,
} from "@bucketbridge/contracts";
import type { ServiceTokenRecord } from "@bucketbridge/db";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { forbidden, notFound } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf, type Identity } from "../../identity.ts";
import { isAllowed } from "../../permissions.ts";
import { hashToken, makeServiceToken, tokenPrefix } from "../../tokens.ts";
import { problem } from "../problem.ts";

type Deps = Pick<ApiDeps, "tokens">;

const TAGS = ["tokens"];
const ERRORS = { 400: problem, 401: problem, 403: problem };
const DAY_SECONDS = 24 * 3_600;

/** Tokens for programs: named, limited to a scope, expiring. They act as the member who made them, and never do more. */
export function registerServiceTokenRoutes(app: FastifyInstance, { tokens }: Deps): void {
  registerMaking(app, { tokens });
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.get(
    "/tokens",
    {
      config: { permission: "users.token.any" },
      schema: {
        tags: TAGS,
        summary:
          "Own service tokens; with everyone=true, for owners and admins, those of all members",
        querystring: listTokensQuery,
        response: { 200: serviceTokenList, ...ERRORS },
      },
    },
    async (request) => {
      const identity = identityOf(request);
      const { everyone } = request.query;
      if (everyone && !seesAll(identity)) throw forbidden();
      const { organizationId, userId } = identity;
      const found = await tokens.listService(organizationId, everyone ? undefined : userId);
      return { items: found.map(toView) };
    },
  );
  routes.delete(
    "/tokens/:id",
    {
      config: { permission: "users.token.any", within: "own" },
      schema: {
        tags: TAGS,
        summary: "Revoke a service token: it opens nothing any more",
        description: "Owners and admins revoke those of all members.",
        params: idParams,
        response: { 204: z.null(), ...ERRORS, 404: problem },
      },
    },
    async (request, reply) => {
      const identity = identityOf(request);
      const userId = seesAll(identity) ? undefined : identity.userId;
      const { id } = request.params;
      if (!(await tokens.revokeService(identity.organizationId, id, userId))) throw notFound();
      return reply.code(204).send(null);
    },
  );
}

function registerMaking(app: FastifyInstance, { tokens }: Deps): void {
  app.withTypeProvider<ZodTypeProvider>().post(
    "/tokens",
    {
      config: { permission: "users.token.any" },
      schema: {
        tags: TAGS,
        summary: "Make a service token; it is in this answer and never again",
        description:
          "Send it as `Authorization: Token <token>`. read: GET and HEAD; write: all that the member may do, but for tokens, passwords and people; media: the objects of tasks alone.",
        body: serviceTokenRequest,
        response: { 201: newServiceToken, ...ERRORS },
      },
    },
    async (request, reply) => {
      const { organizationId, userId } = identityOf(request);
      const { name, scope, expiresInDays } = request.body;
      const token = makeServiceToken();
      const made = await tokens.createService({
        ...{ organizationId, userId, name, scope },
        tokenHash: hashToken(token),
        prefix: tokenPrefix(token),
        ttlSeconds: expiresInDays * DAY_SECONDS,
      });
      return reply.code(201).send({ ...toView(made), token });
    },
  );
}

function seesAll({ role }: Identity): boolean {
  return isAllowed(role, "members.change");
}

function toView(token: ServiceTokenRecord): ServiceTokenView {
  const { id, userId, name, scope, prefix, createdAt, expiresAt, lastUsedAt } = token;
  return {
    ...{ id, userId, name, scope, prefix },
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
  };
}
