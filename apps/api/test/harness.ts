import { randomBytes } from "node:crypto";
import { AppError, Secret, silentLogger, systemClock } from "@bucketbridge/core";
import { createDatabase, KeyRing, type Database } from "@bucketbridge/db";
import { useDatabase } from "@bucketbridge/testkit";
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from "fastify";
import { afterAll, beforeAll } from "vitest";
import { buildApp } from "../src/app.ts";
import { createRepositories, type ApiDeps } from "../src/deps.ts";
import { createSharedStores } from "../src/stores/shared-stores.ts";
import type { Stores } from "../src/stores/stores.ts";
import { createLogger } from "../src/logger.ts";
import { hashToken, makeLegacyToken, tokenPrefix } from "../src/tokens.ts";

/** A person with a legacy token, in an organisation. */
export interface TestMember {
  readonly userId: number;
  readonly organizationId: number;
  readonly email: string;
  readonly token: string;
}

/** The application on a database of its own, with two organisations that know nothing of each other. */
export interface TestApi {
  readonly app: FastifyInstance;
  readonly deps: ApiDeps;
  readonly database: Database;
  readonly owner: TestMember;
  readonly stranger: TestMember;
  /** Everything that was logged, for a search for secrets. */
  readonly log: () => string;
  /** A request of the owner, unless `token` names somebody else or nobody. */
  readonly request: (options: TestRequest) => Promise<LightMyRequestResponse>;
}

export interface TestRequest extends Omit<InjectOptions, "url"> {
  readonly url: string;
  readonly token?: string | null;
}

/** What a test puts in the place of the usual dependencies. */
export type ChangeDeps = (deps: TestDeps, databaseUrl: string) => TestDeps | Promise<TestDeps>;

/** Shared stores are made over `stores`, whichever these are. */
export type TestDeps = Omit<ApiDeps, "sharedStores">;

/** Starts the application before the first test of the file and ends it after the last. */
export function useApi(name: string, change: ChangeDeps = (deps) => deps): () => TestApi {
  const testDatabase = useDatabase(name);
  let api: TestApi | undefined;
  beforeAll(async () => {
    api = await startApi(testDatabase().url, change);
  });
  afterAll(async () => {
    await api?.app.close();
    await api?.deps.sharedStores.close();
    await api?.deps.health.board?.close();
    await api?.database.close();
  });
  return () => {
    if (api !== undefined) return api;
    throw new AppError({ code: "internal", message: "useApi(): asked before beforeAll ran" });
  };
}

async function startApi(url: string, change: ChangeDeps): Promise<TestApi> {
  const lines: string[] = [];
  const database = createDatabase({
    url: new Secret(url),
    keyRing: KeyRing.parse(new Secret(`k1:${randomBytes(32).toString("base64")}`)),
    poolSize: 4,
    applicationName: "bucketbridge api test",
    log: silentLogger,
  });
  const log = createLogger("debug", {}, { write: (line: string) => void lines.push(line) });
  const built: Omit<ApiDeps, "sharedStores"> = {
    ...createRepositories(database),
    settings: {
      version: "0.0.0-test",
      hostPrefix: "",
      trustProxy: false,
      maxBodyBytes: 1024 * 1024,
      openSignUp: false,
      // Tests ask as fast as they can.
      rateLimits: { token: NO_LIMIT, media: NO_LIMIT, address: NO_LIMIT },
      tokenKeys: [new Secret(randomBytes(32).toString("hex"))],
      localFiles: { documentRoot: undefined, servingEnabled: false },
      storageTypes: { offered: "all", gcsImpersonation: false, localFiles: true },
      lists: { previewFiles: 100, maxTaskPage: 1_000 },
      // No worker runs here: nothing becomes final by waiting.
      syncWaitMs: 0,
      syncOnTargetCreation: true,
      targetDefaults: { subject: "annotation", jsonExtension: false },
      uploads: { maxBytes: 1024 * 1024, maxDataBytes: 64 * 1024 },
      media: {
        proxyMaxRangeBytes: 8 * 1024 * 1024,
        proxyIdleMs: 5_000,
        proxyConcurrency: 16,
        clientIdleMs: 1_000,
      },
    },
    log,
    clock: systemClock,
    bell: { ring: () => Promise.resolve(true) },
    stores: noStores,
    files: noFiles,
    platform: {
      findPrincipals: () => Promise.resolve(NOBODY),
      outgoingAddresses: ["192.0.2.1"],
      gcpSubject: { kind: "oidc" },
    },
    health: {
      pingDatabase: () => database.ping(),
      isStopping: () => false,
      rings: { counts: () => ({ rung: 0, failed: 0 }) },
      board: undefined,
    },
  };
  const changed = await change(built, url);
  const { stores, storages } = changed;
  const sharedStores = createSharedStores({
    stores,
    openSecrets: (storage) => storages.openSecrets(storage),
    log: silentLogger,
  });
  const deps = { ...changed, sharedStores };
  const owner = await makeOwner(deps);
  const stranger = await makeStranger(database);
  const app = await buildApp(deps);
  return {
    app,
    deps,
    database,
    owner,
    stranger,
    log: () => lines.join(""),
    request: ({ token = owner.token, headers, ...options }) =>
      app.inject({
        ...options,
        headers: { ...headers, ...(token === null ? {} : { authorization: `Token ${token}` }) },
      }),
  };
}

async function makeOwner({ users }: ApiDeps): Promise<TestMember> {
  const token = makeLegacyToken();
  const email = "owner@example.com";
  const seed = {
    email,
    organizationTitle: "Example",
    tokenHash: hashToken(token),
    tokenPrefix: tokenPrefix(token),
  };
  const { userId, organizationId } = await users.ensureOwner(seed);
  return { userId, organizationId, email, token };
}

/** The owner of a second organisation. */
async function makeStranger(database: Database): Promise<TestMember> {
  const token = makeLegacyToken();
  const email = "stranger@elsewhere.example";
  return database.inMaintenance(async (tx) => {
    const { id: organizationId } = await tx.organization.create({ data: { title: "Elsewhere" } });
    const { id: userId } = await tx.user.create({
      data: { email, activeOrganizationId: organizationId },
    });
    await tx.membership.create({ data: { organizationId, userId, role: "owner" } });
    await tx.apiToken.create({
      data: {
        organizationId,
        userId,
        kind: "legacy",
        tokenHash: hashToken(token),
        prefix: tokenPrefix(token),
      },
    });
    return { userId, organizationId, email, token };
  });
}

const NO_LIMIT = { perSecond: 0, burst: 0 };

const NOBODY = {
  aws: { problem: "none is configured" },
  awsFormer: undefined,
  gcp: { problem: "none is configured" },
};

/** Nothing can be uploaded. */
const noFiles: TestDeps["files"] = {
  open: () => Promise.reject(new AppError({ code: "unsupported", message: "no files here" })),
  close: () => Promise.resolve(),
};

/** No type of storage is available. */
const noStores: Stores = {
  find: () => Promise.resolve(undefined),
  check: () => Promise.resolve([]),
  checkHosts: () => Promise.resolve(),
  isSameServer: () => Promise.resolve(false),
  findRegion: () => undefined,
  ask: () => Promise.reject(new AppError({ code: "unsupported", message: "no network" })),
  referencePrefix: () => Promise.resolve(""),
  open: () => {
    throw new AppError({ code: "unsupported", message: "this test has no stores" });
  },
};
