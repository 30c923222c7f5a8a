import type { FastifyInstance } from "fastify";
import type { ApiDeps } from "../../deps.ts";
import type { TokenSigner } from "../../tokens.ts";
import { makeTokenHandlers } from "./handlers.ts";

const TAGS = ["tokens"];

/** Personal access tokens and the organisation's token settings. */
export function registerTokenRoutes(
  app: FastifyInstance,
  deps: ApiDeps,
  signer: TokenSigner,
): void {
  const handlers = makeTokenHandlers(deps, signer);
  const own = { config: { permission: "users.token.any" }, schema: { tags: TAGS } } as const;
  app.get("/api/token/", own, handlers.list);
  app.post("/api/token/", own, handlers.create);
  app.post("/api/token/blacklist/", own, handlers.blacklist);
  app.post("/api/token/rotate/", own, handlers.rotate);
  app.post(
    "/api/token/refresh/",
    { config: { public: true }, schema: { tags: TAGS } },
    handlers.refresh,
  );

  app.get(
    "/api/jwt/settings",
    { config: { permission: "organizations.view" }, schema: { tags: TAGS } },
    handlers.getSettings,
  );
  app.post(
    "/api/jwt/settings",
    { config: { permission: "organizations.change" }, schema: { tags: TAGS } },
    handlers.updateSettings,
  );
}
