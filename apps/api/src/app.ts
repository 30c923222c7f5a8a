import Fastify, { LogController, type FastifyInstance } from "fastify";
import type { ApiDeps } from "./deps.ts";
import { registerJsonParser } from "./json/json-parser.ts";
import { registerLabelStudio } from "./label-studio/plugin.ts";
import { registerImportRoute } from "./label-studio/tasks/routes.ts";
import { registerLocalFileRoutes } from "./media/local-files/routes.ts";
import { ProjectReferences } from "./media/project-references.ts";
import { ProxySlots } from "./media/proxy/proxy-slots.ts";
import { registerResolveRoutes } from "./media/resolve/routes.ts";
import { Passwords } from "./passwords.ts";
import { limitCallers, makeAuthenticate, registerAuth } from "./plugins/auth.ts";
import { AuditWriter } from "./audit/audit-writer.ts";
import { registerAudit } from "./plugins/audit.ts";
import { registerBoard } from "./plugins/board.ts";
import { registerErrors } from "./plugins/errors.ts";
import { FailureLimiter } from "./plugins/failure-limiter.ts";
import { RateLimiter } from "./plugins/rate-limit.ts";
import { registerHealth } from "./plugins/health.ts";
import { registerOpenapi } from "./plugins/openapi.ts";
import { makeRequestId, registerHardening } from "./plugins/hardening.ts";
import { ProjectAccess } from "./project-access.ts";
import { RunWatchers } from "./runs/run-watchers.ts";
import { TargetBell } from "./targets/target-bell.ts";
import { registerPages } from "./pages/routes.ts";
import { Sessions } from "./sessions.ts";
import { TokenSigner } from "./tokens.ts";
import { registerAvatarRoutes } from "./uploads/avatar-routes.ts";
import { registerUploadRoutes } from "./uploads/routes.ts";
import { registerNativeApi } from "./v1/plugin.ts";

/** A request whose headers and body take longer than this to arrive is cut off. */
const REQUEST_TIMEOUT_MS = 120_000;

/**
 * The whole HTTP application on its dependencies. Never listens; `await app.ready()` or `inject` starts it, and
 * `app.close()` ends it without closing what `deps` holds.
 */
export async function buildApp(deps: ApiDeps): Promise<FastifyInstance> {
  const { settings } = deps;
  const app = Fastify({
    loggerInstance: deps.log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: makeRequestId,
    trustProxy: settings.trustProxy,
    bodyLimit: settings.maxBodyBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Both slash forms name the same resource, and nothing is ever redirected (ls-api §0).
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
  });
  const signer = new TokenSigner(settings.tokenKeys, deps.clock);
  const sessions = new Sessions(deps);
  const limiter = new FailureLimiter(deps.clock);
  const rateLimiter = new RateLimiter(settings.rateLimits, deps.clock);
  const authenticate = limitCallers(makeAuthenticate(deps, { signer, sessions }), rateLimiter);
  const watchers = new RunWatchers(deps);
  const passwords = new Passwords();
  registerHardening(app);
  registerAudit(app, new AuditWriter(deps.auditEvents, deps.log));
  registerErrors(app, authenticate);
  const projectAccess = new ProjectAccess(deps.projectMembers);
  registerAuth(app, { authenticate, rateLimiter, projectAccess });
  registerJsonParser(app);
  await registerOpenapi(app, settings.version);
  registerHealth(app, { sources: deps.health, version: settings.version, log: deps.log });
  registerPages(app);
  if (deps.health.board !== undefined)
    await registerBoard(app, { board: deps.health.board, authenticate, limiter });
  const targetBell = new TargetBell(deps);
  const references = new ProjectReferences(deps.stores);
  const parts = { signer, watchers, targetBell, references, projectAccess, passwords };
  await app.register(async (scope) => registerLabelStudio(scope, deps, parts));
  await app.register(async (scope) => {
    await registerImportRoute(scope, deps);
    registerAvatarRoutes(scope, deps);
  });
  registerLocalFileRoutes(app, { ...deps, projectAccess });
  const proxySlots = new ProxySlots(settings.media.proxyConcurrency);
  registerUploadRoutes(app, { ...deps, projectAccess, proxySlots });
  registerResolveRoutes(app, { ...deps, references, proxySlots });
  await app.register(
    (scope, _options, done) => {
      registerNativeApi(scope, deps, {
        watchers,
        targetBell,
        signer,
        passwords,
        sessions,
        limiter,
      });
      done();
    },
    { prefix: "/api/v1" },
  );
  return app;
}
