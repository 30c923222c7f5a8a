import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ApiError, notAuthenticated } from "../api-error.ts";
import type { Identity } from "../identity.ts";
import type { Permission } from "../permissions.ts";
import { assertPermitted, type Authenticate } from "./auth.ts";
import { sendEnvelope } from "./errors.ts";
import type { FailureLimiter } from "./failure-limiter.ts";

/** What the callers of a page are checked with. */
export interface PageAuthOptions {
  readonly permission: Permission;
  readonly authenticate: Authenticate;
  readonly limiter: FailureLimiter;
}

/**
 * Every route of a scope is for browsers that signed in; others are sent to the sign-in. Scripts may come with HTTP Basic: any
 * name, and a token as the password; whoever guesses is slowed down. The answer is sent from here, since third-party plugins
 * bring error handlers of their own.
 */
export function registerPageAuth(scope: FastifyInstance, options: PageAuthOptions): void {
  scope.addHook("onRoute", (route) => {
    route.config = { ...route.config, permission: options.permission, scheme: "page" };
  });
  scope.addHook("onRequest", async (request, reply) => {
    try {
      request.identity = await findIdentity(request, options);
      assertPermitted(request.identity, options.permission, request.method);
    } catch (error) {
      const isUnknown = error instanceof ApiError && error.status === 401;
      if (isUnknown && isNavigation(request)) return toSignIn(request, reply);
      await sendEnvelope(error, request, reply);
    }
    return undefined;
  });
}

async function findIdentity(
  request: FastifyRequest,
  { authenticate, limiter }: PageAuthOptions,
): Promise<Identity> {
  const { authorization } = request.headers;
  if (authorization === undefined) return authenticate(request);
  const token = readPassword(authorization);
  limiter.assertMayTry(request.ip);
  if (token === undefined) throw notAuthenticated();
  const { method, protocol, host, ip, is404, routeOptions } = request;
  const headers = { authorization: `Token ${token}` };
  try {
    return await authenticate({ method, protocol, host, ip, is404, routeOptions, headers });
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) limiter.recordFailure(request.ip);
    throw error;
  }
}

function readPassword(authorization: string): string | undefined {
  const encoded = /^basic\s+([a-z0-9+/=_-]+)$/i.exec(authorization)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const password = text.slice(text.indexOf(":") + 1);
  return password === "" || /\s/.test(password) ? undefined : password;
}

/** A person who opens the page, not one of its scripts. */
function isNavigation({ method, headers }: FastifyRequest): boolean {
  return method === "GET" && (headers.accept ?? "").includes("text/html");
}

function toSignIn(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.redirect(`/sign-in?next=${encodeURIComponent(request.url)}`, 302);
}
