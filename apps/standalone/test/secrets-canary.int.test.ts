import { randomBytes } from "node:crypto";
import { Secret, silentLogger } from "@bucketbridge/core";
import { createDatabase, createStorageRepository, KeyRing } from "@bucketbridge/db";
import { loadProvider, splitSecrets } from "@bucketbridge/storage/providers";
import {
  makeCanary,
  startRedis,
  testRedisUrl,
  useDatabase,
  waitFor,
  type FoundRedis,
} from "@bucketbridge/testkit";
import { findRedisServer } from "@bucketbridge/testkit/redis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCloudStores, type CloudStores } from "./cloud-stores.ts";
import type { Client, Json } from "./client.ts";
import { createProject, expectOk } from "./scene.ts";
import { listHidden, listSecretFields, makeSecret, withCanary } from "./secret-fields.ts";
import { useSystemOn } from "./system.ts";
import {
  dumpDatabase,
  findLeaks,
  keepAnswers,
  tellRedis,
  watchRedis,
  type RedisWitness,
  type Seen,
} from "./witnesses.ts";

const SECRET_FIELDS = await listSecretFields();
const SECRET_KEYS = `k1:${randomBytes(32).toString("base64")}`;
const CUSTOMER = {
  aws: {
    accessKeyId: "AKIACANARY0123456789",
    secretAccessKey: makeCanary("aws").value,
    sessionToken: makeCanary("aws-token").value,
  },
  ownRoleKeys: true,
  azureKey: Buffer.from(makeCanary("azure").value).toString("base64"),
  azureClientSecret: makeCanary("azure-client").value,
  databricksToken: makeCanary("dapi").value,
};
/** The account's name stands in the settings of `azure_spi` too, where it is no secret. */
const SHOWN_ELSEWHERE = ["azure.account_name"];
const LONG_MS = 240_000;
/** Runs of storages that nobody answers end when the outage was long enough; those of targets not within a test. */
const SETTLE_MS = 60_000;
const TARGET_TROUBLE_MS = 15_000;

describe.skipIf(findRedisServer() === undefined)("the secrets of storages", () => {
  const database = useDatabase("secrets_canary");
  const seen: Seen[] = [];
  const hidden: Record<string, string> = {};
  let clouds: CloudStores | undefined;
  let queue: FoundRedis | undefined;
  let store: FoundRedis | undefined;
  let witness: RedisWitness | undefined;
  let working: Readonly<Record<string, Json>> = {};
  const system = useSystemOn(async () => {
    clouds = await startCloudStores(CUSTOMER);
    queue = testRedisUrl() === undefined ? undefined : await startRedis();
    witness = queue === undefined ? undefined : await watchRedis(queue.url);
    const env = {
      ...clouds.env,
      BUCKETBRIDGE_SECRET_KEYS: SECRET_KEYS,
      BUCKETBRIDGE_LOG_LEVEL: "debug",
      BUCKETBRIDGE_WORKER_QUEUES: "all",
    };
    return { databaseUrl: database().url, redisUrl: queue?.url, env };
  });

  beforeAll(async () => {
    const redis = await startRedis();
    store = redis;
    const password = makeCanary("redis").value;
    await tellRedis(redis.url, [
      "SELECT 1",
      "SET in/a.json {}",
      `CONFIG SET requirepass ${password}`,
    ]);
    const { hostname: host, port } = new URL(redis.url);
    clouds?.trust(String((await client().call("GET", "/api/organizations/1")).body["external_id"]));
    working = describeWorking(clouds?.fields ?? {}, { host, port, password });
    for (const [type, fields] of SECRET_FIELDS) {
      const secrets = fields.filter((field) => !SHOWN_ELSEWHERE.includes(`${type}.${field}`));
      Object.assign(hidden, listHidden(`working ${type}`, secrets, working[type] ?? {}));
    }
  });
  afterAll(async () => {
    witness?.close();
    await Promise.all([clouds?.close(), store?.stop(), queue?.stop()]);
  });

  const client = (): Client => keepAnswers(system().client, seen);

  /** Everything that anybody could read by now. */
  async function listSeen(): Promise<readonly Seen[]> {
    const processes = [...system().apis, ...system().workers];
    const ports = system().workers.map((worker) => /"healthPort":(\d+)/.exec(worker.output())?.[1]);
    const pages = [
      `${system().client.address}/metrics`,
      ...ports.map((port) => `http://127.0.0.1:${String(port)}/metrics`),
    ];
    const metrics = await Promise.all(
      pages.map(async (url) => ({ where: "metrics", text: await (await fetch(url)).text() })),
    );
    const { address, token } = system().client;
    const authorization = `Basic ${Buffer.from(`owner:${token}`).toString("base64")}`;
    const board = await Promise.all(
      ["import", "export"].map(async (name) => {
        const url = `${address}/admin/queues/api/queues?activeQueue=${name}&status=latest&page=1&jobsPerPage=50`;
        return (await fetch(url, { headers: { authorization } })).text();
      }),
    );
    return [
      ...seen,
      ...processes.map((child) => ({ where: "log", text: child.output() })),
      ...(await dumpDatabase(database().adminUrl)),
      ...metrics,
      { where: "queue", text: witness?.text() ?? "" },
      ...board.map((text) => ({ where: "board", text })),
    ];
  }

  it("are looked for where they work: every type with a secret has a store that takes it", () => {
    expect(Object.keys(working).toSorted()).toEqual([...SECRET_FIELDS.keys()].toSorted());
    for (const [type, fields] of SECRET_FIELDS)
      for (const field of fields) expect(working[type]?.[field], `${type}.${field}`).toBeTruthy();
  });

  it("would be found if they leaked: an answer, a table, the queue and the board are searched", async () => {
    const planted = makeCanary("planted").value;
    const project = await createProject(client());
    const title = planted;
    const fields = { project, title, ...working["databricks"], prefix: "in" };
    const made = expectOk(await client().call("POST", "/api/storages/databricks/", fields));
    const id = String(made["id"]);
    expectOk(await client().call("POST", `/api/storages/databricks/${id}/sync`));
    const leaks = findLeaks({ planted }, await listSeen()).join("\n");
    for (const where of ["POST /api/storages/databricks/", "table public.storage", "board"])
      expect(leaks).toContain(`planted in ${where}`);
    if (queue !== undefined) expect(leaks).toContain("planted in queue");
    await client().call("DELETE", `/api/storages/databricks/${id}`);
  });

  it(
    "are in no answer, log, table, queue, metric or error, whether the stores take them or not",
    async () => {
      const owner = await client().call("GET", "/api/current-user/whoami");
      const organizationId = Number(owner.body["active_organization"]);
      await Promise.all(
        [...SECRET_FIELDS].map(async ([type, fields]) => {
          const connection = working[type] ?? {};
          const wrong = Object.fromEntries(fields.map((field) => [field, makeSecret(type, field)]));
          Object.assign(hidden, listHidden(`wrong ${type}`, fields, wrong));
          await importWith(client(), { type, connection, wrong });
          await exportWith(client(), { type, connection, wrong });
          await failWith({ type, values: { ...connection, ...wrong }, organizationId });
        }),
      );
      const all = await listSeen();
      expect(findLeaks(hidden, all)).toEqual([]);
      // Without this, silence would prove nothing.
      const where = new Set(all.map((text) => text.where.split(" ")[0]));
      for (const place of ["POST", "PATCH", "GET", "log", "table", "metrics", "board"])
        expect([...where]).toContain(place);
      const logs = all.filter((text) => text.where === "log");
      expect(logs).toHaveLength(2);
      const text = logs.map((log) => log.text).join("");
      // The API at debug, and a worker that tells why a store refused the secrets.
      for (const said of ['"level":"debug"', '"service":"worker"', "WRONGPASS"])
        expect(text).toContain(said);
    },
    LONG_MS,
  );

  /** Storages whose secrets nobody takes: a check would have refused them, so they are written past the API. */
  async function failWith(bad: {
    readonly type: string;
    readonly values: Json;
    readonly organizationId: number;
  }): Promise<void> {
    const { type, values, organizationId } = bad;
    const project = await createProject(client());
    await annotate(client(), project);
    const split = splitSecrets(await loadProvider(type), values);
    for (const direction of ["source", "target"] as const) {
      const id = await saveUnchecked(database().url, {
        ...{ organizationId, project, direction, type, ...split },
      });
      const base = `/api/storages/${direction === "source" ? "" : "export/"}${type}/${String(id)}`;
      await client().call("POST", `${base}/sync`);
      await untilTrouble(client(), base, direction);
      await client().call("PATCH", base, { title: "renamed" });
      if (direction === "source")
        await client().call("POST", `/api/storages/${type}/files`, { project, id });
      await readEverything(client(), id, direction);
    }
  }
});

interface Connection {
  readonly type: string;
  readonly connection: Json;
  readonly wrong: Json;
}

/** The fields of a store of each type that takes its secrets; those that the way to sign in leaves unused are filled too. */
function describeWorking(
  fieldsOf: CloudStores["fields"],
  redis: Json,
): Readonly<Record<string, Json>> {
  const found: Record<string, Json> = {};
  for (const [type, secrets] of SECRET_FIELDS) {
    const { s3endpoint: s3_endpoint, ...fields } = fieldsOf[type] ?? { ...redis, path: "in/" };
    const unused = Object.fromEntries(
      secrets.filter((field) => !fields[field]).map((field) => [field, makeSecret(type, field)]),
    );
    found[type] = { ...fields, ...(s3_endpoint === undefined ? {} : { s3_endpoint }), ...unused };
  }
  const gcs = found["gcs"] ?? {};
  const key = JSON.parse(String(gcs["google_application_credentials"])) as Json;
  found["gcs"] = { ...gcs, google_application_credentials: withCanary(key) };
  return found;
}

/** Validate, create, show, change, preview and sync a source. */
async function importWith(client: Client, { type, connection, wrong }: Connection): Promise<void> {
  const project = await createProject(client);
  const place = type === "redis" ? { db: 1 } : { prefix: "in" };
  const body = { project, ...connection, ...place, use_blob_urls: true };
  const base = `/api/storages/${type}`;
  expectOk(await client.call("POST", `${base}/validate`, body));
  await client.call("POST", `${base}/validate?deep=true`, body);
  for (const path of ["validate", "files", ""])
    await client.call("POST", `${base}/${path}`, { ...body, ...wrong });
  expectOk(await client.call("POST", `${base}/files`, body));
  const { id } = expectOk(await client.call("POST", `${base}/`, body));
  const one = `${base}/${String(id)}`;
  expectOk(await client.call("POST", `${base}/files`, { project, id }));
  // Without its secrets: it keeps them, or the sync below would fail.
  expectOk(await client.call("PATCH", one, { title: "renamed" }));
  await client.call("PATCH", one, wrong);
  expectOk(await client.call("POST", `${one}/sync`));
  const ended = await untilSettled(client, one, SETTLE_MS);
  expect([type, ended["status"], ended["last_sync_count"]]).toEqual([type, "completed", 1]);
  await client.call("GET", `/api/storages/?project=${String(project)}`);
  await client.call("GET", `${base}?project=${String(project)}`);
  await client.call("GET", `/api/tasks/?project=${String(project)}`);
  await readEverything(client, Number(id), "source");
}

/** Export, and compare the bucket with what was delivered. */
async function exportWith(client: Client, { type, connection, wrong }: Connection): Promise<void> {
  const project = await createProject(client);
  await annotate(client, project);
  const place = type === "redis" ? { db: 2, path: "out/" } : { prefix: "out" };
  const body = { project, ...connection, ...place };
  const base = `/api/storages/export/${type}`;
  await client.call("POST", `${base}/validate`, body);
  await client.call("POST", `${base}/validate?deep=true`, body);
  for (const path of ["/validate", ""])
    await client.call("POST", `${base}${path}`, { ...body, ...wrong });
  const { id } = expectOk(await client.call("POST", base, body));
  const one = `${base}/${String(id)}`;
  expectOk(await client.call("PATCH", one, { title: "renamed" }));
  expectOk(await client.call("POST", `${one}/sync`));
  const ended = await untilSettled(client, one, SETTLE_MS);
  expect([type, ended["status"]]).toEqual([type, "completed"]);
  const started = await client.call("POST", `/api/v1/targets/${String(id)}/reconcile`, {});
  expect(started.status, started.text).toBe(202);
  await waitFor(
    async () => {
      const runs = await client.call("GET", `/api/v1/runs?storage=${String(id)}&limit=1`);
      const [run] = runs.body["items"] as Json[];
      return run?.["kind"] === "reconcile" && run["finishedAt"] !== null;
    },
    { timeoutMs: SETTLE_MS, intervalMs: 200, what: `the comparison of a ${type}` },
  );
  await readEverything(client, Number(id), "target");
}

/** What the native API tells of a storage. */
async function readEverything(
  client: Client,
  id: number,
  direction: "source" | "target",
): Promise<void> {
  const runs = await client.call("GET", `/api/v1/runs?storage=${String(id)}`);
  for (const run of (runs.body["items"] ?? []) as Json[]) {
    await client.call("GET", `/api/v1/runs/${String(run["id"])}`);
    await client.call("GET", `/api/v1/runs/${String(run["id"])}/issues`);
  }
  if (direction === "source") return;
  for (const part of ["", "/deliveries", "/findings"])
    await client.call("GET", `/api/v1/targets/${String(id)}${part}`);
}

async function annotate(client: Client, project: number): Promise<void> {
  const url = `/api/projects/${String(project)}/import?return_task_ids=true`;
  const { task_ids } = expectOk(await client.call("POST", url, [{ text: "meow" }]));
  const [task] = task_ids as number[];
  expectOk(await client.call("POST", `/api/tasks/${String(task)}/annotations/`, { result: [] }));
}

function isSettled(storage: Json): boolean {
  return !["queued", "in_progress"].includes(String(storage["status"]));
}

function untilSettled(client: Client, url: string, timeoutMs: number): Promise<Json> {
  return waitFor(
    async () => {
      const storage = expectOk(await client.call("GET", url));
      return isSettled(storage) ? storage : undefined;
    },
    { timeoutMs, intervalMs: 200, what: `${url} to settle` },
  );
}

/** Waits for the run to end; that of a target goes on for as long as an outage may last, so a failed attempt is enough. */
async function untilTrouble(
  client: Client,
  url: string,
  direction: "source" | "target",
): Promise<void> {
  if (direction === "source") {
    await untilSettled(client, url, SETTLE_MS);
    return;
  }
  const id = url.split("/").at(-1) ?? "";
  await waitFor(
    async () => {
      const target = await client.call("GET", `/api/v1/targets/${id}`);
      const failing = await client.call("GET", `/api/v1/targets/${id}/deliveries?failing=true`);
      const items = (failing.body["items"] ?? []) as Json[];
      return items.length > 0 || (target.body["outage"] ?? null) !== null;
    },
    { timeoutMs: TARGET_TROUBLE_MS, intervalMs: 200 },
    // A type that needs its secrets for nothing delivers.
  ).catch(() => undefined);
}

async function saveUnchecked(
  url: string,
  storage: {
    readonly organizationId: number;
    readonly project: number;
    readonly direction: "source" | "target";
    readonly type: string;
    readonly settings: Json;
    readonly secrets: Readonly<Record<string, string>>;
  },
): Promise<number> {
  const database = createDatabase({
    url: new Secret(url),
    keyRing: KeyRing.parse(new Secret(SECRET_KEYS)),
    poolSize: 1,
    applicationName: "secrets canary",
    log: silentLogger,
  });
  try {
    const { organizationId, project, direction, type, settings, secrets } = storage;
    const { id } = await createStorageRepository(database).create(organizationId, {
      ...{ projectId: project, direction, provider: type, title: type, description: null },
      ...{
        settings,
        secrets,
        prefix: null,
        regexFilter: null,
        useBlobUrls: direction === "source",
      },
      ...{ presign: true, presignTtl: 1, recursiveScan: true, synchronizable: true },
    });
    return id;
  } finally {
    await database.close();
  }
}
