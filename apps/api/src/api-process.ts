import { systemClock } from "@bucketbridge/core";
import { createDatabase, KeyRing, type Database } from "@bucketbridge/db";
import { createProducer, createQueueBackend, openBoard } from "@bucketbridge/queue";
import { createEgress, type ServiceAddress } from "@bucketbridge/storage/egress";
import { findPlatformPrincipals, holdPersistence } from "@bucketbridge/storage/providers";
import type { FastifyInstance } from "fastify";
import type { Logger as Pino } from "pino";
import { buildApp } from "./app.ts";
import { createRepositories, type ApiDeps } from "./deps.ts";
import { openPlatform, toSetupSubject } from "./platform.ts";
import type { ProcessSettings } from "./settings.ts";
import { createSharedStores } from "./stores/shared-stores.ts";
import { createStores } from "./stores/provider-stores.ts";
import { hashToken, tokenPrefix } from "./tokens.ts";

/** Title of the first organisation; people rename it. */
const FIRST_ORGANIZATION = "Bucketbridge";

/** A listening API. */
export interface ApiProcess {
  /** Address that it listens on, with the port that it got. */
  readonly address: string;
  /** Answers 503 at /readyz, lets requests finish, then closes everything that was opened. */
  stop(): Promise<void>;
}

/** Everything that was opened, to be closed in the other order. */
interface OpenResources {
  readonly deps: ApiDeps;
  readonly database: Database;
  close(): Promise<void>;
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
    return { address, stop: () => stop(app, resources, state) };
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

function openResources(
  settings: ProcessSettings,
  log: Pino,
  state: { readonly isStopping: boolean },
): OpenResources {
  const database = createDatabase({
    url: settings.database.url,
    keyRing: KeyRing.parse(settings.secretKeys),
    poolSize: settings.database.poolSize,
    applicationName: "bucketbridge api",
    log,
  });
  const backend = createQueueBackend({
    redisUrl: settings.redisUrl?.reveal(),
    databaseUrl: settings.database.url.reveal(),
    log,
  });
  const producer = createProducer(backend, log);
  const board = openBoard(backend);
  const denied = ownServices(settings);
  const egress = createEgress({ allow: settings.egressAllow, denied });
  const platform = openPlatform(settings.platform, denied);
  const { localFiles } = settings.app;
  const repositories = createRepositories(database);
  const stores = createStores({
    provider: { egress, log, localFiles, ambient: settings.ambient, platform },
    organizations: repositories.organizations,
    idleMs: settings.app.media.proxyIdleMs,
  });
  const { openSecrets } = repositories.storages;
  const sharedStores = createSharedStores({ stores, openSecrets, log });
  const files = holdPersistence(settings.persistence, { log, platform, denied });
  const deps: ApiDeps = {
    ...repositories,
    settings: settings.app,
    log,
    clock: systemClock,
    bell: producer,
    stores,
    sharedStores,
    files,
    platform: {
      findPrincipals: (signal) => findPlatformPrincipals(platform, signal),
      outgoingAddresses: settings.platform?.outgoingAddresses ?? [],
      gcpSubject: toSetupSubject(platform),
    },
    health: {
      pingDatabase: () => database.ping(),
      isStopping: () => state.isStopping,
      rings: producer,
      board,
    },
  };
  const close = async (): Promise<void> => {
    await Promise.allSettled([
      producer.close(),
      board.close(),
      sharedStores.close(),
      files.close(),
    ]);
    await Promise.allSettled([
      backend.close(),
      egress.close(),
      platform.egress.close(),
      database.close(),
    ]);
  };
  return { deps, database, close };
}

/** Our own servers, which no storage may name. */
function ownServices({ database, redisUrl }: ProcessSettings): ServiceAddress[] {
  const services = [toAddress(database.url.reveal(), 5432)];
  if (redisUrl !== undefined) services.push(toAddress(redisUrl.reveal(), 6379));
  return services;
}

function toAddress(url: string, defaultPort: number): ServiceAddress {
  const { hostname: host, port } = new URL(url);
  return { host, port: port === "" ? defaultPort : Number(port) };
}
