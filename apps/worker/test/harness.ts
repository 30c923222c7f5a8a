import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { AppError, Secret, silentLogger, systemClock, type Logger } from "@bucketbridge/core";
import type { ErrorClass } from "@bucketbridge/storage";
import { InjectedFault } from "@bucketbridge/storage/memory";
import { importLabel, type QueueName } from "@bucketbridge/contracts";
import {
  createDatabase,
  createRunRepository,
  createStorageRepository,
  KeyRing,
  requestRun,
  withPgClient,
  type Database,
  type RequestedRun,
  type RunRecord,
  type StorageFields,
} from "@bucketbridge/db";
import {
  createProducer,
  createQueueBackend,
  migrateQueueTables,
  openBoard,
  type Producer,
  type QueueBackend,
} from "@bucketbridge/queue";
import {
  startRedis,
  testRedisUrl,
  useDatabase,
  waitFor,
  type FoundRedis,
} from "@bucketbridge/testkit";
import { afterAll, afterEach, beforeAll } from "vitest";
import { buildDeps, type WorkerDeps } from "../src/deps.ts";
import type { WorkerSettings } from "../src/settings.ts";
import { startWorker, type WorkerProcess } from "../src/worker-process.ts";
import { createMemoryBuckets, type MemoryBuckets } from "./memory-provider.ts";

/** An organisation with a project. */
export interface Tenant {
  readonly organizationId: number;
  readonly projectId: number;
}

/** A worker inside of the test, and what it is made of. */
export interface TestWorker extends WorkerProcess {
  readonly deps: WorkerDeps;
}

/** A system without its API: a database, a queue of its own, buckets, and workers on demand. */
export interface World {
  readonly database: Database;
  readonly databaseUrl: string;
  readonly adminUrl: string;
  /** Undefined: jobs are kept in PostgreSQL. */
  readonly redis: FoundRedis | undefined;
  readonly settings: WorkerSettings;
  /** The organisation that everything belongs to unless `tenant` says otherwise. */
  readonly tenant: Tenant;
  readonly buckets: MemoryBuckets;
  readonly producer: Producer;
  /** Makes a further organisation with a project. */
  addTenant(title: string): Promise<Tenant>;
  /** Gives the id of the new storage. */
  addSource(source: SourceSeed): Promise<number>;
  /** Asks for a run and rings for it, as the API does; `isRung` false: the ring got lost. */
  request(storageId: number, options?: RequestOptions): Promise<RequestedRun>;
  /** Rings for a run; false: the queue was away. */
  ring(runId: number, tenant?: Tenant): Promise<boolean>;
  startWorker(over?: WorkerOverrides): Promise<TestWorker>;
  /** Ends the workers of the test now. */
  stopWorkers(): Promise<void>;
  find(runId: number, tenant?: Tenant): Promise<RunRecord | undefined>;
  /** Waits for the run to end. */
  waitForEnd(runId: number, options?: WaitForEndOptions): Promise<RunRecord>;
  /** Tasks of a storage, and how many different rows they stand for. */
  countTasks(storageId: number): Promise<{ readonly tasks: number; readonly distinct: number }>;
  /** An error that a store may throw, of that class. */
  fault(fault: ErrorClass): Error;
  /** Waits as a slow store does. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
  /** Jobs of a queue (import unless told otherwise), in any state. */
  jobs(queue?: QueueName): Promise<readonly JobView[]>;
  /** Forgets every job. */
  wipeQueue(): Promise<void>;
  /** Rows of a query that sees everything. */
  query<Row>(text: string): Promise<Row[]>;
}

/** A job as the board shows it. */
export interface JobView {
  readonly name: string;
  readonly data: { readonly runId: number; readonly label: string };
  readonly state: string;
  readonly result: unknown;
  readonly failedReason: string | undefined;
  readonly progress: unknown;
  readonly logs: readonly string[];
}

/** Settings that tests change, and where to log. */
export interface WorkerOverrides extends Partial<WorkerSettings> {
  readonly log?: Logger;
}

/** What is asked for. */
export interface RequestOptions {
  readonly kind?: "sync" | "dry_run" | "retry";
  readonly isRung?: boolean;
  readonly tenant?: Tenant;
}

/** Whose run, and how long to wait. */
export interface WaitForEndOptions {
  readonly tenant?: Tenant;
  readonly timeoutMs?: number;
}

/** A source; `bucket` is one in memory unless `provider` says otherwise. */
export interface SourceSeed extends Partial<StorageFields> {
  readonly provider?: string;
  readonly bucket?: string;
  readonly tenant?: Tenant;
}

const RUN_TIMEOUT_MS = 20_000;
const JOB_STATES = ["prioritized", "waiting", "delayed", "active", "completed", "failed"] as const;

/** Makes the world before the first test of the file and ends it after the last. Workers end with their test. */
export function useWorld(name: string): () => World {
  const testDatabase = useDatabase(name);
  let world: OwnWorld | undefined;
  beforeAll(async () => {
    const { url, adminUrl } = testDatabase();
    const redis = testRedisUrl() === undefined ? undefined : await startRedis();
    if (redis === undefined) {
      await withPgClient(new Secret(url), (client) => migrateQueueTables(client));
    }
    world = await OwnWorld.create({ url, adminUrl, redis });
  });
  afterEach(async () => {
    await world?.stopWorkers();
  });
  afterAll(async () => {
    await world?.close();
  });
  return () => {
    if (world !== undefined) return world;
    throw new AppError({ code: "internal", message: "useWorld(): asked before beforeAll ran" });
  };
}

interface Servers {
  readonly url: string;
  readonly adminUrl: string;
  readonly redis: FoundRedis | undefined;
}

class OwnWorld implements World {
  readonly database: Database;
  readonly databaseUrl: string;
  readonly adminUrl: string;
  readonly redis: FoundRedis | undefined;
  readonly settings: WorkerSettings;
  readonly buckets = createMemoryBuckets();
  readonly #workers: TestWorker[] = [];
  readonly #backend: QueueBackend;
  readonly producer: Producer;
  tenant: Tenant = { organizationId: 0, projectId: 0 };

  private constructor({ url, adminUrl, redis }: Servers) {
    this.databaseUrl = url;
    this.adminUrl = adminUrl;
    this.redis = redis;
    const secretKeys = new Secret(`k1:${randomBytes(32).toString("base64")}`);
    this.settings = {
      version: "0.0.0-test",
      groups: ["import"],
      concurrency: 4,
      health: { host: "127.0.0.1", port: 0 },
      logLevel: "silent",
      database: { url: new Secret(url), poolSize: 6 },
      redisUrl: redis === undefined ? undefined : new Secret(redis.url),
      secretKeys,
      egressAllow: ["loopback"],
      localFiles: { documentRoot: undefined, servingEnabled: false },
      ambient: {},
      // Made when a snapshot is written; a name of its own for each world.
      persistence: {
        type: "local",
        prefix: "",
        folder: path.join(tmpdir(), `bucketbridge-files-${randomBytes(4).toString("hex")}`),
      },
      inFlightBytes: 64 * 1024 * 1024,
      engine: {},
      exporting: {},
      sweepIntervalMs: 500,
      retention: {
        solvedIssueDays: 30,
        runsPerStorage: 200,
        tombstoneDays: 30,
        receiptDays: 30,
        oldPlaceDays: 7,
        auditDays: 365,
      },
    };
    this.database = createDatabase({
      url: new Secret(url),
      keyRing: KeyRing.parse(secretKeys),
      poolSize: 4,
      applicationName: "bucketbridge worker test",
      log: silentLogger,
    });
    this.#backend = createQueueBackend({
      redisUrl: redis?.url,
      databaseUrl: url,
      log: silentLogger,
    });
    this.producer = createProducer(this.#backend, silentLogger);
  }

  static async create(servers: Servers): Promise<OwnWorld> {
    const world = new OwnWorld(servers);
    world.tenant = await world.addTenant("Example");
    return world;
  }

  addTenant(title: string): Promise<Tenant> {
    return this.database.inMaintenance(async (tx) => {
      const { id: organizationId } = await tx.organization.create({ data: { title } });
      const project = await tx.project.create({ data: { organizationId, title: "Cats" } });
      return { organizationId, projectId: project.id };
    });
  }

  async addSource({
    provider = "memory",
    bucket = "cats",
    tenant = this.tenant,
    ...fields
  }: SourceSeed): Promise<number> {
    const storages = createStorageRepository(this.database);
    const { id } = await storages.create(tenant.organizationId, {
      projectId: tenant.projectId,
      direction: "source",
      provider,
      title: bucket,
      description: null,
      settings: { bucket },
      secrets: {},
      prefix: null,
      regexFilter: null,
      useBlobUrls: true,
      presign: true,
      presignTtl: 1,
      recursiveScan: true,
      synchronizable: true,
      ...fields,
    });
    return id;
  }

  async request(
    storageId: number,
    { kind = "sync", isRung = true, tenant = this.tenant }: RequestOptions = {},
  ): Promise<RequestedRun> {
    const { organizationId } = tenant;
    const request = { organizationId, storageId, kind, trigger: "test", actorId: null };
    const asked = await requestRun(this.database, request);
    if (asked === undefined) throw new AppError({ code: "not_found", message: "no such storage" });
    if (isRung && asked.state !== "waiting") await this.ring(asked.runId, tenant);
    return asked;
  }

  async ring(runId: number, { organizationId } = this.tenant): Promise<boolean> {
    const label = importLabel({ provider: "memory", title: "cats", number: runId });
    return this.producer.ring("import.run", { v: 1, organizationId, runId, label });
  }

  async startWorker({ log = silentLogger, ...over }: WorkerOverrides = {}): Promise<TestWorker> {
    const loadProvider = async (name: string) => {
      if (name === "memory") return this.buckets.provider;
      const providers = await import("@bucketbridge/storage/providers");
      return providers.loadProvider(name);
    };
    const deps = buildDeps({ ...this.settings, ...over }, log, { loadProvider });
    const worker: TestWorker = { ...(await startWorker(deps)), deps };
    this.#workers.push(worker);
    return worker;
  }

  find(runId: number, { organizationId } = this.tenant): Promise<RunRecord | undefined> {
    return createRunRepository(this.database).find(organizationId, runId);
  }

  waitForEnd(
    runId: number,
    { tenant = this.tenant, timeoutMs = RUN_TIMEOUT_MS }: WaitForEndOptions = {},
  ): Promise<RunRecord> {
    return waitFor(
      async () => {
        const run = await this.find(runId, tenant);
        return run?.phase === "final" ? run : undefined;
      },
      { timeoutMs, what: `run ${String(runId)} to end` },
    );
  }

  async countTasks(storageId: number): Promise<{ tasks: number; distinct: number }> {
    const [row] = await this.query<{ tasks: number; distinct: number }>(
      `SELECT count(*)::int AS tasks, count(DISTINCT (o.location_version, o.key, t.row_index))::int AS distinct
       FROM task t JOIN source_object o ON o.id = t.source_object_id WHERE o.storage_id = ${String(storageId)}`,
    );
    return row ?? { tasks: -1, distinct: -1 };
  }

  fault(fault: ErrorClass): Error {
    return new InjectedFault(fault);
  }

  pause(ms: number, signal: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal);
  }

  async jobs(queueName: QueueName = "import"): Promise<readonly JobView[]> {
    const board = openBoard(this.#backend);
    try {
      await this.#backend.whenReady("read");
      const queue = board.queues.find(({ name }) => name === queueName)?.queue;
      if (queue === undefined) return [];
      const found = await Promise.all(JOB_STATES.map((state) => queue.getJobs([state])));
      return await Promise.all(
        found.flatMap((jobs, index) =>
          jobs.map(async (job) => ({
            name: job.name,
            data: job.data as JobView["data"],
            state: JOB_STATES[index] ?? "",
            result: job.returnvalue as unknown,
            failedReason: job.failedReason,
            progress: job.progress,
            logs: (await queue.getJobLogs(job.id ?? "")).logs,
          })),
        ),
      );
    } finally {
      await board.close();
    }
  }

  async wipeQueue(): Promise<void> {
    if (this.redis !== undefined) await wipeRedis(this.redis.url);
    else await this.query("TRUNCATE bullmq.job CASCADE");
  }

  query<Row>(text: string): Promise<Row[]> {
    return withPgClient(new Secret(this.adminUrl), async (client) => {
      const { rows } = await client.query(text);
      return rows as Row[];
    });
  }

  async stopWorkers(): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker.stop()));
  }

  async close(): Promise<void> {
    await this.stopWorkers();
    await this.producer.close();
    await this.#backend.close();
    await this.database.close();
    await this.redis?.stop();
  }
}

/** FLUSHALL: the server is ours alone. */
function wipeRedis(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write("FLUSHALL\r\n"));
    socket.once("data", () => {
      socket.end();
      resolve();
    });
    socket.once("error", reject);
  });
}
