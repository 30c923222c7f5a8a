import { AppError } from "@bucketbridge/core";
import type { FastifyInstance, FastifyRequest, RouteOptions } from "fastify";
import { ApiError, forbidden, notAuthenticated } from "../api-error.ts";
import type { ApiDeps } from "../deps.ts";
import type { Identity } from "../identity.ts";
import { isAllowed, isInScope, reachesMembers, type Permission } from "../permissions.ts";
import type { ProjectAccess } from "../project-access.ts";
import type { Sessions } from "../sessions.ts";
import { hashToken, type TokenSigner } from "../tokens.ts";
import type { RateLimiter } from "./rate-limit.ts";
import { assertSameSite } from "./same-site.ts";

const LEGACY_DISABLED =
  "Authentication token no longer valid: legacy token authentication has been disabled for this organization";

/** What says who calls. */
export type AskedBy = Pick<
  FastifyRequest,
  "method" | "headers" | "protocol" | "host" | "ip" | "is404" | "routeOptions"
>;

/** Finds out who calls; throws the contract's 401 otherwise. */
export type Authenticate = (request: AskedBy) => Promise<Identity>;

/**
 * The `Authorization` header where there is one, else the cookie of a browser that signed in. A change that comes with the
 * cookie must come from a page of this server.
 */
export function makeAuthenticate(
  deps: Pick<ApiDeps, "tokens" | "users">,
  { signer, sessions }: { readonly signer: TokenSigner; readonly sessions: Sessions },
): Authenticate {
  const byHeader = makeHeaderCheck(deps, signer);
  return async (request) => {
    const { authorization } = request.headers;
    if (authorization !== undefined) return byHeader(authorization);
    const member = await sessions.find(request);
    if (member === undefined) throw notAuthenticated();
    assertSameSite(request);
    return member;
  };
}

/** The same for callers who ask too often: 429 instead of either answer. */
export function limitCallers(authenticate: Authenticate, rateLimiter: RateLimiter): Authenticate {
  return async (request) => {
    const identity = await authenticate(request).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 401) rateLimiter.assertRefused(request);
      throw error;
    });
    rateLimiter.assertKnown(identity, request);
    return identity;
  };
}

/** Both schemes of the contract: `Token <legacy key>` and `Bearer <access token>`. The scheme word has no case. */
function makeHeaderCheck(
  deps: Pick<ApiDeps, "tokens" | "users">,
  signer: TokenSigner,
): (authorization: string) => Promise<Identity> {
  return async (authorization) => {
    const words = authorization.trim().split(/\s+/);
    const [scheme, key] = words;
    switch (scheme?.toLowerCase()) {
      case "token":
        if (key === undefined)
          throw notAuthenticated("Invalid token header. No credentials provided.");
        if (words.length > 2)
          throw notAuthenticated("Invalid token header. Token string should not contain spaces.");
        return authenticateKey(deps, key);
      case "bearer":
        if (key === undefined || words.length > 2) throw notAuthenticated();
        return authenticateAccess(deps, signer, key);
      default:
        throw notAuthenticated();
    }
  };
}

async function authenticateKey(
  { tokens }: Pick<ApiDeps, "tokens">,
  key: string,
): Promise<Identity> {
  const holder = await tokens.findHolder(hashToken(key));
  if (holder === undefined) throw notAuthenticated("Invalid token.");
  const { member, scope, tokenId } = holder;
  if (scope !== null) {
    if (!member.apiTokensEnabled) throw notAuthenticated("Invalid token.");
    return { ...member, tokenId, scope };
  }
  if (!member.legacyApiTokensEnabled) throw notAuthenticated(LEGACY_DISABLED);
  return { ...member, tokenId };
}

async function authenticateAccess(
  { users }: Pick<ApiDeps, "users">,
  signer: TokenSigner,
  token: string,
): Promise<Identity> {
  const claims = await signer.verify(token);
  if (claims?.token_type !== "access") throw notAuthenticated();
  const member = await users.findActiveMember(Number(claims.user_id));
  if (member?.apiTokensEnabled !== true) throw notAuthenticated();
  return member;
}

/**
 * Asks for an identity and the route's permission before a body is read. A route that declares neither a permission
 * nor `public`, or not what its `id` names where members see only their projects, keeps the application from starting.
 */
export function registerAuth(app: FastifyInstance, guards: Guards): void {
  const routes: RouteOptions[] = [];
  app.decorate("routeTable", routes);
  app.decorateRequest("identity", null);
  app.decorateRequest("isOutsideProject", false);
  // Checked when all hooks have run: routes of third-party plugins get their permission from a hook of their own scope.
  app.addHook("onRoute", (route) => void routes.push(route));
  app.addHook("onReady", (done) => {
    const undeclared = routes.filter((route) => isUndeclared(route));
    done(undeclared.length === 0 ? undefined : undeclaredError(undeclared));
  });
  app.addHook("onRequest", async (request) => {
    await authorize(request, guards);
  });
}

/** Also a route with an `id` that members of a project reach and that does not say what the id names. */
function isUndeclared({ config, url }: RouteOptions): boolean {
  if (config?.public === true) return false;
  if (config?.permission === undefined) return true;
  return url.includes("/:id") && reachesMembers(config.permission) && config.within === undefined;
}

function undeclaredError(routes: readonly RouteOptions[]): AppError {
  const names = routes.map(({ method, url }) => `${String(method)} ${url}`).join(", ");
  return new AppError({
    code: "internal",
    message: `routes that declare no permission, or not what their id names: ${names}`,
  });
}

/** What every request passes. */
interface Guards {
  readonly authenticate: Authenticate;
  readonly rateLimiter: RateLimiter;
  readonly projectAccess: ProjectAccess;
}

async function authorize(
  request: FastifyRequest,
  { authenticate, rateLimiter, projectAccess }: Guards,
): Promise<void> {
  const { config } = request.routeOptions;
  if (config.scheme === "page") return;
  if (request.is404 || config.public === true) {
    rateLimiter.assertAnonymous(request);
    return;
  }
  const identity = await authenticate(request);
  request.identity = identity;
  assertPermitted(identity, config.permission, request.method);
  if (config.within !== undefined) await projectAccess.assertSeen(request, config.within);
}

/** Throws 403 where the role lacks the permission, or the scope of the token does not reach so far. */
export function assertPermitted(
  { role, scope }: Identity,
  permission: Permission | undefined,
  method: string,
): void {
  if (permission === undefined || !isAllowed(role, permission)) throw forbidden();
  if (scope !== undefined && !isInScope(scope, permission, method))
    throw forbidden(`This token may not do this: its scope is ${scope}.`);
}
