import type { FastifyInstance } from "fastify";
import type { Logger as Pino } from "pino";
import { buildApp } from "./app.ts";
import type { ApiDeps } from "./deps.ts";
import { openResources, type OpenResources } from "./resources.ts";
import type { ProcessSettings } from "./settings.ts";
import { hashToken, tokenPrefix, TokenSigner } from "./tokens.ts";

/** Title of the first organisation; people rename it. */
const FIRST_ORGANIZATION = "Bucketbridge";

/** A listening API. */
export interface ApiProcess {
  /** Address that it listens on, with the port that it got. */
  readonly address: string;
  /** Where the first owner is made, while nobody has an account: for the operator's eyes alone, for an hour. */
  readonly setupUrl: string | undefined;
  /** Answers 503 at /readyz, lets requests finish, then closes everything that was opened. */
  stop(): Promise<void>;
}

/**
 * Checks the login, makes the first owner, builds the application and listens. Rejects with `invalid_config` for a login
 * that row-level security does not bind and for a port that is taken; nothing stays open then.
 */
export async function startApi(settings: ProcessSettings, log: Pino): Promise<ApiProcess> {
  const state = { isStopping: false };
  const resources = openResources(settings, log, state);
  let app: FastifyInstance | undefined;
  try {
    await resources.database.assertOrdinaryRole();
    await ensureOwner(settings, resources.deps);
    app = await buildApp(resources.deps);
    const address = await app.listen(settings.listen);
    log.info({ address, version: settings.app.version }, "api.started");
    const setupUrl = await makeSetupUrl(resources.deps, address);
    return { address, setupUrl, stop: () => stop(app, resources, state) };
  } catch (error) {
    await app?.close();
    await resources.close();
    throw error;
  }
}

async function stop(
  app: FastifyInstance | undefined,
  resources: OpenResources,
  state: { isStopping: boolean },
): Promise<void> {
  state.isStopping = true;
  await app?.close();
  await resources.close();
}

async function makeSetupUrl(
  { users, settings, clock }: ApiDeps,
  address: string,
): Promise<string | undefined> {
  if (await users.hasUsers()) return undefined;
  const token = await new TokenSigner(settings.tokenKeys, clock).signSetup();
  // Behind the #, so that it stands in no log of a proxy.
  return `${settings.hostPrefix === "" ? address : settings.hostPrefix}/setup#${token}`;
}

async function ensureOwner({ owner }: ProcessSettings, { users }: ApiDeps): Promise<void> {
  if (owner === undefined) return;
  const token = owner.token.reveal();
  await users.ensureOwner({
    email: owner.email,
    organizationTitle: FIRST_ORGANIZATION,
    tokenHash: hashToken(token),
    tokenPrefix: tokenPrefix(token),
  });
}
