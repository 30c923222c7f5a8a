import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { badRequest, notAuthenticated } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { hashToken, makeLegacyToken, tokenPrefix } from "../../tokens.ts";
import { toWhoamiView } from "./view.ts";

const TAGS = ["users"];

/** Who am I, and the legacy token. */
export function registerUserRoutes(
  app: FastifyInstance,
  deps: Pick<ApiDeps, "users" | "tokens">,
): void {
  app.get(
    "/api/current-user/whoami",
    { config: { permission: "organizations.view" }, schema: { tags: TAGS } },
    async (request) => {
      const { organizationId, userId } = identityOf(request);
      const [member, owner] = await Promise.all([
        deps.users.findMember(organizationId, userId),
        deps.users.findOwner(organizationId),
      ]);
      if (member === undefined) throw notAuthenticated();
      return toWhoamiView(member, owner);
    },
  );
  const token = { config: { permission: "users.token.any" }, schema: { tags: TAGS } } as const;
  app.get("/api/current-user/token", token, () => {
    throw badRequest(
      "Only a hash of the token is stored, so it cannot be shown again. Make a new one with POST /api/current-user/reset-token/.",
    );
  });
  app.post("/api/current-user/reset-token/", token, (request, reply) =>
    resetToken(deps, request, reply),
  );
}

async function resetToken(
  { tokens }: Pick<ApiDeps, "tokens">,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { organizationId, userId } = identityOf(request);
  const token = makeLegacyToken();
  await tokens.replaceLegacy(
    { organizationId, userId },
    { tokenHash: hashToken(token), prefix: tokenPrefix(token) },
  );
  return reply.code(201).send({ token });
}
