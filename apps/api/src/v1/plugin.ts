import type { FastifyInstance } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import type { ApiDeps } from "../deps.ts";
import type { Passwords } from "../passwords.ts";
import type { FailureLimiter } from "../plugins/failure-limiter.ts";
import type { RunWatchers } from "../runs/run-watchers.ts";
import type { Sessions } from "../sessions.ts";
import type { TokenSigner } from "../tokens.ts";
import type { TargetBell } from "../targets/target-bell.ts";
import { registerAccountRoutes } from "./accounts/routes.ts";
import { registerAuditEventRoutes } from "./audit-events/routes.ts";
import { registerEventKeyRoutes } from "./annotation-events/key-routes.ts";
import { registerAnnotationEventRoutes } from "./annotation-events/routes.ts";
import { registerDeliveryRoutes } from "./deliveries/routes.ts";
import { registerEventRoutes } from "./events/routes.ts";
import { registerInvitationRoutes } from "./invitations/routes.ts";
import { registerIssueRoutes } from "./issues/routes.ts";
import { registerLabelStudioWebhookRoutes } from "./label-studio-webhook/routes.ts";
import { registerPlatformRoutes } from "./platform/routes.ts";
import { registerProblems } from "./problem.ts";
import { registerRunRoutes } from "./runs/routes.ts";
import { registerSessionRoutes } from "./session/routes.ts";
import { registerSetupRoutes } from "./setup/routes.ts";
import { registerStorageRunRoutes } from "./storages/routes.ts";
import { registerFindingRoutes } from "./targets/findings-routes.ts";
import { registerReconcileRoutes } from "./targets/reconcile-routes.ts";
import { registerServiceTokenRoutes } from "./tokens/routes.ts";
import { registerTargetRoutes } from "./targets/routes.ts";

/** What the interface shares with the compatible wire. */
interface NativeParts {
  readonly watchers: RunWatchers;
  readonly targetBell: TargetBell;
  readonly signer: TokenSigner;
  readonly passwords: Passwords;
  readonly sessions: Sessions;
  readonly limiter: FailureLimiter;
}

/** The native API: zod schemas on every route, strict objects in, RFC 9457 problems out. Mounted at /api/v1. */
export function registerNativeApi(
  app: FastifyInstance,
  deps: ApiDeps,
  { watchers, targetBell, ...signIn }: NativeParts,
): void {
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  registerProblems(app);
  registerRunRoutes(app, deps);
  registerIssueRoutes(app, deps);
  registerEventRoutes(app, deps, watchers);
  registerStorageRunRoutes(app, deps);
  registerPlatformRoutes(app, deps);
  registerSetupRoutes(app, deps);
  registerInvitationRoutes(app, { ...deps, ...signIn });
  registerAuditEventRoutes(app, deps);
  registerAccountRoutes(app, { ...deps, ...signIn });
  registerServiceTokenRoutes(app, deps);
  registerSessionRoutes(app, { ...deps, ...signIn, accounts: deps.sessions });
  registerTargetRoutes(app, deps);
  registerReconcileRoutes(app, deps);
  registerFindingRoutes(app, deps);
  registerDeliveryRoutes(app, deps);
  registerEventKeyRoutes(app, deps);
  registerAnnotationEventRoutes(app, { ...deps, targetBell });
  registerLabelStudioWebhookRoutes(app, { ...deps, targetBell });
}
