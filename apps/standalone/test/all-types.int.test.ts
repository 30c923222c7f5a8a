import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { startRedis, testRedisUrl, useDatabase, type FoundRedis } from "@bucketbridge/testkit";
import { findRedisServer } from "@bucketbridge/testkit/redis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCloudStores, type CloudStores } from "./cloud-stores.ts";
import type { Json } from "./client.ts";
import { useSystemOn } from "./system.ts";

/** A Python with what examples/python/requirements.txt names. */
const PYTHON = process.env["BUCKETBRIDGE_TEST_PYTHON"] ?? "python3";
const SCRIPT = path.resolve(import.meta.dirname, "../../../examples/python/all_storage_types.py");
const hasSdk =
  spawnSync(PYTHON, ["-c", "import label_studio_sdk"], { stdio: "ignore" }).status === 0;

describe.skipIf(findRedisServer() === undefined)("every storage type", () => {
  const database = useDatabase("python_types");
  let clouds: CloudStores;
  // Not the Redis of the queue: storages are kept away from that one.
  let redis: FoundRedis;
  let stores: Stores;
  const system = useSystemOn(async () => {
    clouds = await startCloudStores();
    const offered = { fflag_feat_bros_763_gcs_sa_impersonation: "true" };
    const env = { ...clouds.env, ...offered, BUCKETBRIDGE_WORKER_QUEUES: "all" };
    return { databaseUrl: database().url, redisUrl: testRedisUrl(), env };
  });
  beforeAll(async () => {
    redis = await startRedis();
    const { client, documentRoot } = system();
    const organization = (await client.call("GET", "/api/organizations/1")).body;
    clouds.trust(String(organization["external_id"]));
    stores = await describeStores(clouds, redis, documentRoot);
  });
  afterAll(async () => {
    await clouds.close();
    await redis.stop();
  });

  it("passes all 140 methods of the unmodified SDK", async ({ skip }) => {
    if (!hasSdk) {
      skip(`${PYTHON} has no label-studio-sdk; name one that has by BUCKETBRIDGE_TEST_PYTHON`);
      return;
    }
    const { client, documentRoot } = system();
    const file = path.join(documentRoot, "stores.json");
    writeFileSync(file, JSON.stringify(stores));
    const { code, output } = await runScript({
      LABEL_STUDIO_URL: client.address,
      LABEL_STUDIO_API_KEY: client.token,
      STORES: file,
    });
    expect(output).toMatch(/^140 of 140$/m);
    expect(code).toBe(0);
    // Starting Python and the SDK takes seconds, and twenty syncs are waited for.
  }, 240_000);

  it("is listed, has a form both ways, and previews its objects", async () => {
    const { client } = system();
    const types = Object.keys(stores).map(toWireType);
    for (const way of ["", "export/"]) {
      const listed = await client.call("GET", `/api/storages/${way}types`);
      const names = (JSON.parse(listed.text) as { name: string }[]).map(({ name }) => name);
      expect(names.toSorted()).toEqual(types.toSorted());
      for (const type of types) {
        const form = await client.call("GET", `/api/storages/${way}${type}/form`);
        const rows = JSON.parse(form.text) as { fields: { name: string; label: string }[] }[];
        const fields = rows.flatMap((row) => row.fields);
        expect(fields.map(({ name }) => name)).toContain("title");
        expect(fields.every(({ label }) => label !== "")).toBe(true);
      }
    }
    const project = (await client.call("POST", "/api/projects/", {})).body["id"];
    for (const [name, { source }] of Object.entries(stores)) {
      const payload = { project, ...toWireFields(source) };
      const preview = await client.call("POST", `/api/storages/${toWireType(name)}/files`, payload);
      expect(preview.status, preview.text).toBe(200);
      const [file, ...others] = preview.body["files"] as { key: string }[];
      expect(file?.key).toMatch(/in\/a\.(txt|json)$/);
      expect(others).toEqual([]);
    }
  });

  it("passes a thorough check both ways", async () => {
    const { client } = system();
    const project = (await client.call("POST", "/api/projects/", {})).body["id"];
    for (const [name, { source, target }] of Object.entries(stores)) {
      const type = toWireType(name);
      const checks = [
        [`/api/storages/${type}/validate?deep=true`, source],
        [
          `/api/storages/export/${type}/validate?deep=true`,
          { ...target, can_delete_objects: true },
        ],
      ] as const;
      for (const [url, fields] of checks) {
        const { status, text, body } = await client.call("POST", url, {
          ...{ project, ...toWireFields(fields) },
        });
        expect(status, text).toBe(200);
        const steps = body["steps"] as { name: string; ok: boolean }[];
        // The fakes know no rules for browsers.
        const failed = steps.filter((step) => !step.ok && step.name !== "cors");
        expect(failed, url).toEqual([]);
        expect(steps.length, url).toBeGreaterThan(2);
      }
    }
  }, 60_000);
});

/** The SDK has names of its own for some fields. */
function toWireFields({ s3endpoint: s3_endpoint, ...fields }: Json): Json {
  return { ...fields, ...(s3_endpoint === undefined ? {} : { s3_endpoint }) };
}

type Stores = Readonly<Record<string, { readonly source: Json; readonly target: Json }>>;

/** The SDK has a name of its own for one of them. */
function toWireType(name: string): string {
  return name === "local" ? "localfiles" : name;
}

/** What the script reads: a source with one object, and a target, of each type. */
async function describeStores(
  { fields }: CloudStores,
  { url }: FoundRedis,
  documentRoot: string,
): Promise<Stores> {
  const stores: Record<string, Stores[string]> = {};
  for (const [name, connection] of Object.entries(fields)) {
    stores[name] = {
      source: { ...connection, prefix: "in" },
      target: { ...connection, prefix: `out/${name}` },
    };
  }
  const folders = ["in", "out"].map((name) => path.join(documentRoot, name));
  for (const folder of folders) mkdirSync(folder);
  writeFileSync(path.join(folders[0] ?? "", "a.txt"), "meow");
  stores["local"] = { source: { path: folders[0] }, target: { path: folders[1] } };
  const { hostname: host, port } = new URL(url);
  await putTask(host, Number(port));
  stores["redis"] = {
    source: { host, port, db: 1, path: "in" },
    target: { host, port, db: 2, path: "out" },
  };
  return stores;
}

/** A task in database 1, past all drivers. */
async function putTask(host: string, port: number): Promise<void> {
  const socket = net.connect(port, host);
  socket.end(`SELECT 1\r\nSET in/a.json ${String.raw`"{\"text\":\"meow\"}"`}\r\nQUIT\r\n`);
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  expect(answer).toBe("+OK\r\n+OK\r\n+OK\r\n");
}

function runScript(env: NodeJS.ProcessEnv): Promise<{ code: number | null; output: string }> {
  const child = spawn(PYTHON, [SCRIPT], { env: { PATH: process.env["PATH"], ...env } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data: Buffer) => (output += data.toString()));
  }
  return new Promise((resolve) => {
    child.once("close", (code) => {
      resolve({ code, output });
    });
  });
}
