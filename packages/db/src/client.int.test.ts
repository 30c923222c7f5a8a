import { AppError, Secret, silentLogger } from "@bucketbridge/core";
import { waitFor } from "@bucketbridge/testkit";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { createDatabase, withPgClient, type Database } from "./client.ts";
import { loadStatements, runStatement } from "./statements.ts";
import { holdTransaction } from "./testing/held-transaction.ts";
import { makeKeyRing, useTestDatabase } from "./testing/test-database.ts";
import { makeWorld, TestWorker } from "./testing/world.ts";

const test = useTestDatabase("client");

const open = (url: string): Database =>
  createDatabase({
    url: new Secret(url),
    keyRing: makeKeyRing(),
    poolSize: 1,
    applicationName: "bucketbridge client test",
    log: silentLogger,
  });

describe("scope", () => {
  const TABLES = `SELECT relname AS name, relforcerowsecurity AS "isForced" FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> '_prisma_migrations'`;

  it("is forced on every table, and without one nothing is visible or writable", async () => {
    await makeWorld(test.db);
    const tables = await test.look<{ name: string; isForced: boolean }>(TABLES);
    expect(tables.length).toBeGreaterThanOrEqual(20);
    expect(tables.filter(({ isForced }) => !isForced)).toEqual([]);
    await withPgClient(new Secret(test.url), async (client) => {
      for (const { name } of tables) {
        const { rowCount } = await client.query(`SELECT FROM ${pg.escapeIdentifier(name)}`);
        expect([name, rowCount]).toEqual([name, 0]);
      }
      await expect(client.query("INSERT INTO organization (title) VALUES ('x')")).rejects.toThrow(
        /row-level security/,
      );
    });
  });

  it("would show everything to the owner of a table whose policies are not forced", async () => {
    await makeWorld(test.db);
    await test.look("ALTER TABLE storage NO FORCE ROW LEVEL SECURITY");
    try {
      await withPgClient(new Secret(test.url), async (client) => {
        expect((await client.query("SELECT FROM storage")).rowCount).toBeGreaterThan(0);
      });
    } finally {
      await test.look("ALTER TABLE storage FORCE ROW LEVEL SECURITY");
    }
  });

  it("shows one organisation its own rows alone, and ends with its transaction", async () => {
    const [one, other] = [await makeWorld(test.db), await makeWorld(test.db)];
    const db = open(test.url);
    const visible = await db.inOrganization(one.organizationId, (tx) =>
      tx.storage.findMany({ select: { id: true } }),
    );
    expect(visible).toEqual([{ id: one.storageId }]);
    const users = await db.inOrganization(other.organizationId, (tx) =>
      tx.user.findMany({ select: { id: true } }),
    );
    expect(users).toEqual([{ id: other.userId }]);
    const both = await db.inMaintenance((tx) =>
      tx.storage.count({ where: { id: { in: [one.storageId, other.storageId] } } }),
    );
    expect(both).toBe(2);
    await db.close();
  });

  it("lets nobody write into another organisation", async () => {
    const [one, other] = [await makeWorld(test.db), await makeWorld(test.db)];
    const writing = test.db.inOrganization(one.organizationId, (tx) =>
      tx.project.create({ data: { organizationId: other.organizationId, title: "stolen" } }),
    );
    await expect(writing).rejects.toMatchObject({
      code: "internal",
      context: { sqlState: "42501" },
    });
    const changed = await test.db.inOrganization(one.organizationId, (tx) =>
      tx.storage.updateMany({ where: { id: other.storageId }, data: { title: "stolen" } }),
    );
    expect(changed.count).toBe(0);
  });

  it.each([
    [
      "a storage",
      "INSERT INTO source_object (organization_id, storage_id, location_version, key, state) VALUES ($1, $2, 1, 'k', 'done')",
      "storageId",
    ],
    [
      "a project",
      "INSERT INTO task (organization_id, project_id, inner_id, data) VALUES ($1, $2, 1, '{}')",
      "projectId",
    ],
    [
      "a storage of a run",
      "INSERT INTO run (organization_id, storage_id, number, settings_version) VALUES ($1, $2, 9, 1)",
      "storageId",
    ],
    [
      "a project of a storage",
      "INSERT INTO storage (organization_id, project_id, direction, provider) VALUES ($1, $2, 'source', 's3')",
      "projectId",
    ],
  ] as const)(
    "cannot be left by a reference to %s, even by a superuser",
    async (_name, text, field) => {
      const [one, other] = [await makeWorld(test.db), await makeWorld(test.db)];
      await expect(test.look(text, [one.organizationId, other[field]])).rejects.toMatchObject({
        code: "23503",
      });
    },
  );

  it("cannot be changed on a row that exists", async () => {
    const world = await makeWorld(test.db);
    for (const table of ["task", "source_object"]) {
      const moving = test.db.inOrganization(world.organizationId, (tx) =>
        tx.$executeRawUnsafe(`UPDATE ${table} SET organization_id = organization_id`),
      );
      await expect(moving).rejects.toMatchObject({ context: { sqlState: "42501" } });
    }
  });

  it("does not bind a superuser, who is refused at the start", async () => {
    const admin = new URL(test.url);
    const { name } = await test.one<{ name: string }>("SELECT current_user::text AS name");
    admin.username = name;
    admin.password = "";
    const db = open(admin.href);
    await expect(db.assertOrdinaryRole()).rejects.toMatchObject({
      code: "invalid_config",
      op: "db.role",
    });
    await db.close();
    await expect(test.db.assertOrdinaryRole()).resolves.toBeUndefined();
  });
});

describe("transaction", () => {
  it("is rolled back when the work rejects, and passes its error on", async () => {
    const world = await makeWorld(test.db);
    const error = new AppError({ code: "conflict", message: "mine" });
    const failing = test.db.inOrganization(world.organizationId, async (tx) => {
      await tx.storage.update({ where: { id: world.storageId }, data: { title: "changed" } });
      throw error;
    });
    await expect(failing).rejects.toBe(error);
    expect(await test.one("SELECT title FROM storage WHERE id = $1", [world.storageId])).toEqual({
      title: null,
    });
  });

  it("runs again after a deadlock", async () => {
    const worlds = [await makeWorld(test.db), await makeWorld(test.db)] as const;
    let tries = 0;
    const cross = (first: number, second: number, gate: Promise<unknown>) =>
      test.db.inMaintenance(async (tx) => {
        tries++;
        await tx.$executeRaw`UPDATE storage SET title = 'x' WHERE id = ${first}`;
        await gate;
        await tx.$executeRaw`UPDATE storage SET title = 'x' WHERE id = ${second}`;
      });
    const gate = Promise.withResolvers<undefined>();
    const [a, b] = [worlds[0].storageId, worlds[1].storageId];
    const running = [cross(a, b, gate.promise), cross(b, a, gate.promise)];
    await waitFor(() => tries === 2, { timeoutMs: 5_000 });
    gate.resolve(undefined);
    await Promise.all(running);
    expect(tries).toBeGreaterThanOrEqual(2);
    const titles = await test.look("SELECT title FROM storage WHERE id IN ($1, $2)", [a, b]);
    expect(titles).toEqual([{ title: "x" }, { title: "x" }]);
  });

  it("gives up after five conflicts", async () => {
    let tries = 0;
    const conflicting = test.db.inMaintenance(
      (tx) => {
        tries++;
        return tx.$executeRawUnsafe("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$");
      },
      { op: "db.test" },
    );
    await expect(conflicting).rejects.toMatchObject({ code: "conflict", op: "db.test" });
    expect(tries).toBe(5);
  });

  it("ends with timeout when it takes too long", async () => {
    const slow = test.db.inMaintenance(
      async (tx) => {
        await tx.$queryRaw`SELECT 1 FROM pg_sleep(0.3)`;
        await tx.$queryRaw`SELECT 1`;
      },
      { timeoutMs: 100 },
    );
    await expect(slow).rejects.toMatchObject({ code: "timeout" });
  });

  it("maps what the server says to codes, with the constraint and without values", async () => {
    const world = await makeWorld(test.db);
    const email = `twice-${String(world.userId)}@example.com`;
    const duplicate = test.db.inMaintenance(async (tx) => {
      const data = { email, activeOrganizationId: world.organizationId };
      await tx.user.create({ data });
      await tx.user.create({ data });
    });
    const error = await duplicate.catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: "already_exists",
      reason: "db.unique",
      context: { constraint: "user_email_key" },
    });
    expect((error as AppError).message).not.toContain(email);
  });

  it("is unavailable when the server is not there or ends it", async () => {
    const nowhere = open("postgresql://bucketbridge@127.0.0.1:1/none");
    await expect(nowhere.ping()).rejects.toMatchObject({ code: "unavailable", op: "db.ping" });
    await nowhere.close();
    const killed = test.db.inMaintenance(
      (tx) => tx.$queryRaw`SELECT pg_terminate_backend(pg_backend_pid())`,
    );
    await expect(killed).rejects.toMatchObject({ code: "unavailable" });
    await expect(test.db.ping()).resolves.toBeUndefined();
  });

  it("commits without waiting for the disk only where that was asked for", async () => {
    const show = (commitWithoutFlush: boolean) =>
      test.db.inMaintenance(
        (tx) => tx.$queryRaw`SELECT current_setting('synchronous_commit') AS value`,
        { commitWithoutFlush },
      );
    const usual = await test.one<{ value: string }>(
      "SELECT current_setting('synchronous_commit') AS value",
    );
    expect(await show(true)).toEqual([{ value: "off" }]);
    expect(await show(false)).toEqual([usual]);
  });
});

describe("connection", () => {
  it("ends an idle transaction with the lease, counts time in UTC and never scans in sequence on a worker", async () => {
    const [settings] = await test.db.inMaintenance(
      (tx) => tx.$queryRaw<Record<string, string>[]>`
        SELECT current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('timezone') AS zone,
               current_setting('enable_seqscan') AS seqscan, current_setting('statement_timeout') AS statement, current_setting('jit') AS jit`,
    );
    expect(settings).toEqual({
      idle: "45s",
      zone: "UTC",
      seqscan: "off",
      statement: "1min",
      jit: "off",
    });
  });

  it.each([
    ["without that timeout keeps a frozen worker's unit for ever", "0", false],
    ["with that timeout gives it to the next worker", "200ms", true],
  ])("%s", async (_name, timeout, isTakenOver) => {
    const world = await makeWorld(test.db);
    const worker = new TestWorker(test.db, world);
    const { run, lease } = await worker.list();
    const frozen = new pg.Client(test.url);
    frozen.on("error", () => undefined);
    await frozen.connect();
    await frozen.query(`SET idle_in_transaction_session_timeout = '${timeout}'`);
    await frozen.query(`BEGIN; SET LOCAL app.organization_id = '${String(world.organizationId)}'`);
    const values = [
      lease.runId,
      0,
      lease.epoch,
      ["k"],
      [1],
      ["e"],
      [null],
      [null],
      [null],
      "c",
      false,
      0,
      0.05,
      "k",
      [],
      [],
      [],
    ];
    await frozen.query(loadStatements()["page-tasks"], values);
    // The frozen worker renewed its lease in that statement, uncommitted; what others see has expired.
    await test.look("SELECT pg_sleep(0.5)");
    const expired = test.look(
      "UPDATE scan_unit SET lease_until = now() - interval '1 s' WHERE run_id = $1",
      [run.runId],
    );
    if (isTakenOver) await expired;
    const taken = await worker.stores.scans.takeUnit(run, "next");
    expect(taken !== undefined).toBe(isTakenOver);
    await frozen.end().catch(() => undefined);
    await expired;
  });

  it("prepares the statements of sql/ under their names, once, and no others", async () => {
    const world = await makeWorld(test.db);
    const db = open(test.url);
    const prepared = () =>
      db.inOrganization(world.organizationId, async (tx) => {
        await runStatement(tx, loadStatements()["storage-lock"], [world.storageId]);
        await tx.storage.count();
        return tx.$queryRaw<{ name: string }[]>`SELECT name FROM pg_prepared_statements`;
      });
    expect(await prepared()).toEqual([
      { name: expect.stringMatching(/^storage-lock_[0-9a-f]{12}$/) as string },
    ]);
    expect(await prepared()).toHaveLength(1);
    await db.close();
  });

  it("holds a transaction of one caller apart from that of another", async () => {
    const world = await makeWorld(test.db);
    const held = await holdTransaction(test.db, world.organizationId, (tx) =>
      tx.storage.update({ where: { id: world.storageId }, data: { title: "held" } }),
    );
    const seen = await test.db.inOrganization(world.organizationId, (tx) =>
      tx.storage.findUniqueOrThrow({ where: { id: world.storageId }, select: { title: true } }),
    );
    expect(seen).toEqual({ title: null });
    await held.commit();
  });
});
