import { systemClock } from "@bucketbridge/core";
import { createDatabase, KeyRing, type Database } from "@bucketbridge/db";
import {
  createProducer,
  createQueueBackend,
  openBoard,
  type Board,
  type Producer,
  type QueueBackend,
} from "@bucketbridge/queue";
import { createEgress, type Egress, type ServiceAddress } from "@bucketbridge/storage/egress";
import {
  findPlatformPrincipals,
  holdPersistence,
  type PlatformAccess,
} from "@bucketbridge/storage/providers";
import type { Logger as Pino } from "pino";
import { createRepositories, type ApiDeps, type Repositories } from "./deps.ts";
import { openPlatform, toSetupSubject } from "./platform.ts";
import type { ProcessSettings } from "./settings.ts";
import { createSharedStores, type SharedStores } from "./stores/shared-stores.ts";
import { createStores } from "./stores/provider-stores.ts";
import type { Stores } from "./stores/stores.ts";

/** Everything that was opened, to be closed in the other order. */
export interface OpenResources {
  readonly deps: ApiDeps;
  readonly database: Database;
  close(): Promise<void>;
}

/** Opens what the application is built on. No connection is made yet. */
export function openResources(
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
  const { backend, producer, board } = openQueue(settings, log);
  const outside = openOutside(settings);
  const repositories = createRepositories(database);
  const { stores, sharedStores } = openStores(settings, log, { ...outside, repositories });
  const { egress, platform, denied } = outside;
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
    await closeAll([producer, board, sharedStores, files]);
    await closeAll([backend, egress, platform.egress, database]);
  };
  return { deps, database, close };
}

interface Queue {
  readonly backend: QueueBackend;
  readonly producer: Producer;
  readonly board: Board;
}

function openQueue(settings: ProcessSettings, log: Pino): Queue {
  const backend = createQueueBackend({
    redisUrl: settings.redisUrl?.reveal(),
    databaseUrl: settings.database.url.reveal(),
    log,
  });
  return { backend, producer: createProducer(backend, log), board: openBoard(backend) };
}

/** The two ways out: to hosts that users named, and as the platform itself. */
interface Outside {
  readonly egress: Egress;
  readonly platform: PlatformAccess;
  readonly denied: readonly ServiceAddress[];
}

function openOutside(settings: ProcessSettings): Outside {
  const denied = ownServices(settings);
  const egress = createEgress({ allow: settings.egressAllow, denied });
  return { egress, platform: openPlatform(settings.platform, denied), denied };
}

function openStores(
  { app, ambient }: ProcessSettings,
  log: Pino,
  parts: Outside & { readonly repositories: Repositories },
): { readonly stores: Stores; readonly sharedStores: SharedStores } {
  const { egress, platform, repositories } = parts;
  const stores = createStores({
    provider: { egress, log, localFiles: app.localFiles, ambient, platform },
    organizations: repositories.organizations,
    idleMs: app.media.proxyIdleMs,
  });
  const sharedStores = createSharedStores({
    stores,
    openSecrets: (storage) => repositories.storages.openSecrets(storage),
    log,
  });
  return { stores, sharedStores };
}

async function closeAll(resources: readonly { close(): Promise<unknown> }[]): Promise<void> {
  await Promise.allSettled(resources.map((one) => one.close()));
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
