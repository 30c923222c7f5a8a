import { randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { AppError, Secret, silentLogger } from "@bucketbridge/core";
import {
  createDatabase,
  createStorageRepository,
  deployMigrations,
  KeyRing,
  requestRun,
  withPgClient,
  type Database,
  type StorageFields,
} from "@bucketbridge/db";
import {
  copyDatabase,
  dropDatabase,
  ensureDatabase,
  startCluster,
  type Cluster,
} from "@bucketbridge/db/embedded";
import { migrateQueueTables } from "@bucketbridge/queue";

const MIGRATIONS = path.resolve(import.meta.dirname, "../prisma/migrations");
const TEMPLATE = "bench_template";
/** As a worker has. */
const POOL_SIZE = 10;

/** One PostgreSQL that flushes to the disk like in production, and a migrated template. */
export class BenchCluster {
  readonly secretKeys = `k1:${randomBytes(32).toString("base64")}`;
  readonly #cluster: Cluster;
  readonly #dir: string;
  readonly #login: { readonly role: string; readonly password: string };
  #next = 1;

  private constructor(
    cluster: Cluster,
    dir: string,
    login: { readonly role: string; readonly password: string },
  ) {
    this.#cluster = cluster;
    this.#dir = dir;
    this.#login = login;
  }

  static async start(): Promise<BenchCluster> {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "bucketbridge-bench-"));
    const cluster = await startCluster({ dir, auth: "trust", durability: "safe" });
    const login = { role: "bucketbridge", password: randomBytes(12).toString("hex") };
    const url = await ensureDatabase(cluster.adminUrl(), { ...login, database: TEMPLATE });
    const options = { lockTimeoutMs: 10_000, log: silentLogger };
    await deployMigrations(new Secret(url), MIGRATIONS, options);
    await withPgClient(new Secret(url), (client) => migrateQueueTables(client));
    return new BenchCluster(cluster, dir, login);
  }

  get pid(): number {
    return this.#cluster.pid;
  }

  /** A fresh database with an organisation and a project. */
  async create(options: { readonly poolSize?: number } = {}): Promise<BenchDatabase> {
    const name = `bench_${String(this.#next++)}`;
    const adminUrl = this.#cluster.adminUrl();
    const { role, password } = this.#login;
    await copyDatabase(adminUrl, { template: TEMPLATE, database: name, owner: role });
    const url = new URL(this.#cluster.adminUrl(name));
    Object.assign(url, { username: role, password });
    return BenchDatabase.open({
      url: url.href,
      adminUrl: this.#cluster.adminUrl(name),
      secretKeys: this.secretKeys,
      poolSize: options.poolSize ?? POOL_SIZE,
      drop: () => dropDatabase(adminUrl, name),
    });
  }

  async stop(): Promise<void> {
    await this.#cluster.stop();
    fs.rmSync(this.#dir, { recursive: true, force: true });
  }
}

interface Opening {
  readonly url: string;
  readonly adminUrl: string;
  readonly secretKeys: string;
  readonly poolSize: number;
  drop(): Promise<void>;
}

/** A database with one organisation and one project. */
export class BenchDatabase {
  /** Log in as the ordinary role. */
  readonly url: string;
  readonly adminUrl: string;
  /** As a worker connects. */
  readonly database: Database;
  readonly organizationId: number;
  readonly projectId: number;
  readonly #drop: () => Promise<void>;

  private constructor(
    opening: Opening,
    parts: {
      readonly database: Database;
      readonly organizationId: number;
      readonly projectId: number;
    },
  ) {
    this.url = opening.url;
    this.adminUrl = opening.adminUrl;
    this.database = parts.database;
    this.organizationId = parts.organizationId;
    this.projectId = parts.projectId;
    this.#drop = () => opening.drop();
  }

  static async open(opening: Opening): Promise<BenchDatabase> {
    const database = createDatabase({
      url: new Secret(opening.url),
      keyRing: KeyRing.parse(new Secret(opening.secretKeys)),
      poolSize: opening.poolSize,
      applicationName: "bucketbridge worker",
      avoidSequentialScans: true,
      log: silentLogger,
    });
    const tenant = await database.inMaintenance(async (tx) => {
      const { id: organizationId } = await tx.organization.create({ data: { title: "Bench" } });
      const project = await tx.project.create({ data: { organizationId, title: "Bench" } });
      return { organizationId, projectId: project.id };
    });
    return new BenchDatabase(opening, { database, ...tenant });
  }

  /** Gives the id of a new S3 source. */
  async addSource(
    fields: Pick<StorageFields, "settings" | "secrets"> & Partial<StorageFields>,
  ): Promise<number> {
    const { id } = await createStorageRepository(this.database).create(this.organizationId, {
      projectId: this.projectId,
      direction: "source",
      provider: "s3",
      title: "bench",
      description: null,
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

  /** Gives the id of a new run of the source. */
  async requestSync(storageId: number): Promise<number> {
    const { organizationId } = this;
    const request = { organizationId, storageId, kind: "sync", trigger: "bench", actorId: null };
    const asked = await requestRun(this.database, { ...request, kind: "sync" });
    if (asked === undefined) throw new AppError({ code: "internal", message: "no such storage" });
    return asked.runId;
  }

  /** One number of a query that sees everything. */
  async count(text: string): Promise<number> {
    return withPgClient(new Secret(this.adminUrl), async (client) => {
      const { rows } = await client.query<{ count: string }>(text);
      return Number(rows[0]?.count);
    });
  }

  /** Closes the connections and drops the database. */
  async drop(): Promise<void> {
    await this.database.close();
    await this.#drop();
  }
}
