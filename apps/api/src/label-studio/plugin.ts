import type { FastifyInstance } from "fastify";
import type { ApiDeps } from "../deps.ts";
import type { RunWatchers } from "../runs/run-watchers.ts";
import type { TokenSigner } from "../tokens.ts";
import { registerFormParsers } from "./body-parsers.ts";
import { registerNegotiation } from "./negotiation.ts";
import { registerProjectRoutes } from "./projects/routes.ts";
import { registerStorageRoutes } from "./storages/routes.ts";
import { registerTaskRoutes } from "./tasks/routes.ts";
import { registerTokenRoutes } from "./tokens/routes.ts";
import { registerUserRoutes } from "./users/routes.ts";
import { registerVersionRoutes } from "./version/routes.ts";

/** The compatible wire. Its quirks live below this folder and nowhere else. */
export async function registerLabelStudio(
  app: FastifyInstance,
  deps: ApiDeps,
  { signer, watchers }: { readonly signer: TokenSigner; readonly watchers: RunWatchers },
): Promise<void> {
  await registerFormParsers(app);
  registerNegotiation(app);
  registerVersionRoutes(app, deps);
  registerTokenRoutes(app, deps, signer);
  registerUserRoutes(app, deps);
  registerProjectRoutes(app, deps);
  registerTaskRoutes(app, deps);
  registerStorageRoutes(app, deps, watchers);
}
