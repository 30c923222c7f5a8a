import { randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Secret, silentLogger } from "@bucketbridge/core";
import { deployMigrations } from "@bucketbridge/db";
import {
  ensureDatabase,
  findFreePort,
  startCluster,
  type Cluster,
} from "@bucketbridge/db/embedded";
import { startRedis, testRedisUrl, type FoundRedis } from "@bucketbridge/testkit";
import { expect } from "vitest";
import type { Servers } from "./system.ts";

const MIGRATIONS = path.resolve(import.meta.dirname, "../../../prisma/migrations");

/** A PostgreSQL and a Redis of our own, to be restarted. */
export class OwnServers {
  readonly #dir = fs.mkdtempSync(path.join(os.tmpdir(), "bucketbridge-faults-pg-"));
  #cluster: Cluster | undefined;
  #redis: FoundRedis | undefined;
  #redisPort = 0;

  async start(): Promise<Servers> {
    this.#cluster = await this.#startPostgres();
    const login = { role: "bucketbridge", password: randomBytes(12).toString("hex") };
    const database = "bucketbridge";
    const databaseUrl = await ensureDatabase(this.#cluster.adminUrl(), { ...login, database });
    const lock = { lockTimeoutMs: 10_000, log: silentLogger };
    await deployMigrations(new Secret(databaseUrl), MIGRATIONS, lock);
    if (testRedisUrl() === undefined) return { databaseUrl, redisUrl: undefined };
    this.#redisPort = await findFreePort();
    this.#redis = await startRedis(undefined, this.#redisPort);
    return { databaseUrl, redisUrl: this.#redis.url };
  }

  async restartPostgres(): Promise<void> {
    const port = this.#cluster?.port;
    await this.#cluster?.stop();
    this.#cluster = await this.#startPostgres(port);
    expect(this.#cluster.port).toBe(port);
  }

  /** Comes back with nothing in it. */
  async restartRedis(): Promise<void> {
    await this.#redis?.stop();
    this.#redis = await startRedis(undefined, this.#redisPort);
  }

  async stop(): Promise<void> {
    await this.#redis?.stop();
    await this.#cluster?.stop();
    fs.rmSync(this.#dir, { recursive: true, force: true });
  }

  #startPostgres(port?: number): Promise<Cluster> {
    return startCluster({ dir: this.#dir, port, auth: "trust", durability: "test" });
  }
}
