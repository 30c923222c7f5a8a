import type { FastifyInstance } from "fastify";
import type { ApiDeps } from "../deps.ts";
import type { Passwords } from "../passwords.ts";
import type { RunWatchers } from "../runs/run-watchers.ts";
import type { TokenSigner } from "../tokens.ts";
import type { ProjectReferences } from "../media/project-references.ts";
import type { ProjectAccess } from "../project-access.ts";
import type { TargetBell } from "../targets/target-bell.ts";
import { registerActionRoutes } from "./actions/routes.ts";
import { registerAnnotationRoutes } from "./annotations/routes.ts";
import { registerFormParsers } from "./body-parsers.ts";
import { registerDraftRoutes } from "./drafts/routes.ts";
import { registerExportRoutes } from "./exports/routes.ts";
import { registerNegotiation } from "./negotiation.ts";
import { registerMembershipRoutes } from "./organizations/member-routes.ts";
import { registerOrganizationRoutes } from "./organizations/routes.ts";
import { registerPredictionRoutes } from "./predictions/routes.ts";
import { registerProjectMemberRoutes } from "./projects/member-routes.ts";
import { registerProjectRoutes } from "./projects/routes.ts";
import { registerStorageRoutes } from "./storages/routes.ts";
import { registerTaskRoutes } from "./tasks/routes.ts";
import { registerTokenRoutes } from "./tokens/routes.ts";
import { registerPeopleRoutes } from "./users/people-routes.ts";
import { registerUserRoutes } from "./users/routes.ts";
import { registerVersionRoutes } from "./version/routes.ts";

/** What the wire shares with the other interfaces. */
interface LabelStudioParts {
  readonly signer: TokenSigner;
  readonly watchers: RunWatchers;
  readonly targetBell: TargetBell;
  readonly references: ProjectReferences;
  readonly projectAccess: ProjectAccess;
  readonly passwords: Passwords;
}

/** The compatible wire. Its quirks live below this folder and nowhere else. */
export async function registerLabelStudio(
  app: FastifyInstance,
  deps: ApiDeps,
  { signer, watchers, targetBell, references, projectAccess, passwords }: LabelStudioParts,
): Promise<void> {
  await registerFormParsers(app);
  registerNegotiation(app);
  registerVersionRoutes(app, deps);
  registerTokenRoutes(app, deps, signer);
  registerUserRoutes(app, deps);
  registerPeopleRoutes(app, { ...deps, passwords });
  registerOrganizationRoutes(app, deps);
  registerMembershipRoutes(app, deps);
  registerProjectRoutes(app, deps, projectAccess);
  registerProjectMemberRoutes(app, deps);
  const ringing = { ...deps, targetBell };
  registerTaskRoutes(app, { ...ringing, references, projectAccess });
  registerExportRoutes(app, deps);
  registerAnnotationRoutes(app, ringing);
  registerDraftRoutes(app, deps);
  registerPredictionRoutes(app, deps);
  registerActionRoutes(app, ringing);
  registerStorageRoutes(app, deps, watchers);
}
