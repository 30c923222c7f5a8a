import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeRecordingLogger, waitFor } from "@bucketbridge/testkit";
import { withConnection } from "../pg-connection.ts";
import { startCluster, type Cluster } from "./cluster.ts";
import { ensureDatabase } from "./ensure-database.ts";

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "bucketbridge-ensure-"));
const spec = { role: "bucket bridge", password: "p@ss/w ord:ü%", database: "app-db" };
const log = makeRecordingLogger();
let cluster: Cluster;

// A cluster of its own: the one of the test run lets everybody in without a password.
beforeAll(async () => {
  cluster = await startCluster({ dir, auth: "password", durability: "test", log });
});
afterAll(async () => {
  await cluster.stop();
  fs.rmSync(dir, { recursive: true, force: true });
});

async function ask(url: string, sql: string): Promise<unknown> {
  const result = await withConnection(url, (client) => client.query<{ value: unknown }>(sql));
  return result.rows[0]?.value;
}

it("creates an ordinary role that owns its database, and does it again without harm", async () => {
  const url = await ensureDatabase(cluster.adminUrl(), spec);
  expect(await ensureDatabase(cluster.adminUrl(), spec)).toBe(url);
  expect(await ask(url, "SELECT current_user || ' of ' || current_database() AS value")).toBe(
    "bucket bridge of app-db",
  );
  expect(
    await ask(
      url,
      "SELECT rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole AS value FROM pg_roles WHERE rolname = current_user",
    ),
  ).toBe(false);
  expect(
    await ask(
      url,
      "SELECT pg_get_userbyid(datdba) = current_user AS value FROM pg_database WHERE datname = current_database()",
    ),
  ).toBe(true);
  expect(
    await ask(url, "SELECT current_setting('idle_in_transaction_session_timeout') AS value"),
  ).toBe("45s");
});

it("takes over a new password and refuses the old one from then on", async () => {
  const old = await ensureDatabase(cluster.adminUrl(), {
    ...spec,
    role: "changing",
    database: "changing",
  });
  const url = await ensureDatabase(cluster.adminUrl(), {
    role: "changing",
    database: "changing",
    password: "new",
  });
  expect(await ask(url, "SELECT 1 AS value")).toBe(1);
  await expect(ask(old, "SELECT 1 AS value")).rejects.toMatchObject({ code: "28P01" });
});

it("never sends the password, so that no statement log has it", async () => {
  const talkative =
    "ALTER ROLE postgres SET log_statement = 'all'; ALTER ROLE postgres SET log_min_messages = 'log'";
  await withConnection(cluster.adminUrl(), (admin) => admin.query(talkative));
  await ensureDatabase(cluster.adminUrl(), {
    ...spec,
    role: "quiet",
    database: "quiet",
    password: "in-the-clear",
  });
  await ensureDatabase(cluster.adminUrl(), {
    ...spec,
    role: "quiet",
    database: "quiet",
    password: "in-the-clear-2",
  });
  await waitFor(() => /ALTER ROLE .{0,4}quiet.{0,4} PASSWORD/.test(log.text()), {
    timeoutMs: 5_000,
  });
  expect(log.text()).not.toContain("in-the-clear");
});

it.each(["SUPERUSER", "BYPASSRLS"])(
  "refuses a role that is %s and leaves it as it is",
  async (power) => {
    const role = `too_${power.toLowerCase()}`;
    await withConnection(cluster.adminUrl(), (admin) =>
      admin.query(`CREATE ROLE ${role} LOGIN ${power}`),
    );
    await expect(ensureDatabase(cluster.adminUrl(), { ...spec, role })).rejects.toMatchObject({
      code: "invalid_config",
    });
    expect(
      await ask(
        cluster.adminUrl(),
        `SELECT rolsuper OR rolbypassrls AS value FROM pg_roles WHERE rolname = '${role}'`,
      ),
    ).toBe(true);
  },
);

it("works for an administrator who is no superuser, as managed servers have", async () => {
  await withConnection(cluster.adminUrl(), (admin) =>
    admin.query("CREATE ROLE managed LOGIN CREATEROLE CREATEDB PASSWORD 'managed'"),
  );
  const admin = new URL(cluster.adminUrl());
  admin.username = "managed";
  admin.password = "managed";
  const url = await ensureDatabase(admin.href, { ...spec, role: "tenant", database: "tenant" });
  expect(await ask(url, "SELECT current_user AS value")).toBe("tenant");
});

it("lets two starts at once create it once", async () => {
  const twice = { ...spec, role: "racing", database: "racing" };
  const urls = await Promise.all([
    ensureDatabase(cluster.adminUrl(), twice),
    ensureDatabase(cluster.adminUrl(), twice),
  ]);
  expect(new Set(urls).size).toBe(1);
});

it("keeps others out without the password", async () => {
  const url = new URL(cluster.adminUrl());
  url.password = "";
  await expect(ask(url.href, "SELECT 1 AS value")).rejects.toThrow(/password/);
});
