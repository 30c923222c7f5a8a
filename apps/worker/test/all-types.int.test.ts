import { PROVIDER_NAMES } from "@bucketbridge/storage/providers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ExportProject } from "./export-harness.ts";
import { useWorld } from "./harness.ts";
import { AZURE_STANDS } from "./types/azure-stands.ts";
import { openDatabricksStand } from "./types/databricks-stand.ts";
import { GOOGLE_STANDS } from "./types/google-stands.ts";
import { openLocalFilesStand } from "./types/localfiles-stand.ts";
import { openS3Stand } from "./types/s3-stand.ts";
import { openS3sStand } from "./types/s3s-stand.ts";
import { REDIS_STANDS } from "./types/redis-stands.ts";
import type { Access, TypeStand } from "./types/type-stand.ts";

const getWorld = useWorld("worker_all_types");

/** Every storage type with a service of its own. A further type is a further row. */
const STANDS: readonly (readonly [type: string, open: () => Promise<TypeStand>])[] = [
  ["s3", openS3Stand],
  ["s3s", openS3sStand],
  ...GOOGLE_STANDS,
  ...AZURE_STANDS,
  ...REDIS_STANDS,
  ["localfiles", openLocalFilesStand],
  ["databricks", openDatabricksStand],
];

it("every type of the registry is imported from and exported to", () => {
  const types = STANDS.map(([type]) => type);
  // Redis is in wherever there is a server.
  for (const name of PROVIDER_NAMES) if (name !== "redis") expect(types).toContain(name);
});

/** On a busy machine a thousand objects by a real protocol take some seconds. */
const TIMEOUT_MS = 60_000;

describe.each(STANDS)("%s", (_type, open) => {
  let stand: TypeStand;

  beforeAll(async () => {
    stand = await open();
  }, TIMEOUT_MS);
  afterAll(() => stand.close());

  async function importFrom(prefix: string, useBlobUrls: boolean): Promise<number> {
    const world = getWorld();
    await world.startWorker(stand.worker);
    const { type: provider, settings, secrets } = stand;
    const source = { provider, settings, secrets, prefix, useBlobUrls };
    const storageId = await world.addSource(source);
    const { runId } = await world.request(storageId);
    const run = await world.waitForEnd(runId, { timeoutMs: TIMEOUT_MS });
    expect(run).toMatchObject({ state: "completed", failed: 0 });
    expect(await world.countTasks(storageId)).toEqual({ tasks: 1_000, distinct: 1_000 });
    return storageId;
  }

  it(
    "becomes one task per object by the files method, and a second run makes none",
    async ({ skip }) => {
      const { referencePrefix } = stand;
      if (referencePrefix === undefined) {
        skip("the type loads what it finds, whatever the method");
        return;
      }
      const world = getWorld();
      for (let n = 0; n < 1_000; n++)
        await stand.seed(`img/${String(n).padStart(4, "0")}.jpg`, "x");
      const storageId = await importFrom("img", true);
      const [first] = await world.query<{ data: unknown }>(
        `SELECT t.data FROM task t JOIN source_object o ON o.id = t.source_object_id
         WHERE o.storage_id = ${String(storageId)} ORDER BY o.key LIMIT 1`,
      );
      expect(first?.data).toEqual({ $undefined$: `${referencePrefix}img/0000.jpg` });
      const { runId } = await world.request(storageId);
      const again = await world.waitForEnd(runId, { timeoutMs: TIMEOUT_MS });
      expect(again).toMatchObject({ state: "completed", created: 0, known: 1_000 });
    },
    TIMEOUT_MS,
  );

  it(
    "becomes one task per object by the tasks method",
    async () => {
      for (let n = 0; n < 1_000; n++) {
        await stand.seed(`tasks/${String(n)}.json`, JSON.stringify({ image: `${String(n)}.jpg` }));
      }
      await importFrom("tasks", false);
    },
    TIMEOUT_MS,
  );

  it(
    "holds a hundred annotations as they were saved",
    async () => {
      const world = getWorld();
      const project = await ExportProject.create(world);
      await world.startWorker({
        ...stand.worker,
        groups: ["export"],
        exporting: { settleSeconds: 1 },
      });
      const { type: provider, settings, secrets } = stand;
      const target = await project.addTarget({ provider, settings, secrets, prefix: "out" });
      const saved = await project.saveMany(100);
      await project.waitForRest(target, TIMEOUT_MS);
      const keys = (await stand.keys()).filter((key) => key.startsWith("out/"));
      expect(keys).toHaveLength(100);
      const ids: number[] = [];
      for (const key of keys) ids.push((JSON.parse(await stand.read(key)) as { id: number }).id);
      expect(ids.sort((a, b) => a - b)).toEqual(saved.map(({ id }) => id).sort((a, b) => a - b));
      await world.stopWorkers();
    },
    TIMEOUT_MS,
  );

  const fieldsOf = (access: Access) => ({
    provider: stand.type,
    settings: { ...stand.settings, ...access.settings },
    secrets: { ...stand.secrets, ...access.secrets },
  });

  it(
    "is imported by the files method with the permission to list alone",
    async ({ skip }) => {
      if (stand.lister === undefined || stand.referencePrefix === undefined) {
        skip("nobody here may only list, or every value is loaded");
        return;
      }
      const world = getWorld();
      for (let n = 0; n < 20; n++) await stand.seed(`listed/${String(n)}.jpg`, "x");
      await world.startWorker(stand.worker);
      const fields = { ...fieldsOf(stand.lister), prefix: "listed", useBlobUrls: true };
      const { runId } = await world.request(await world.addSource(fields));
      const run = await world.waitForEnd(runId, { timeoutMs: TIMEOUT_MS });
      expect(run).toMatchObject({ state: "completed", created: 20, failed: 0 });
    },
    TIMEOUT_MS,
  );

  it(
    "is exported to with the permission to put alone",
    async ({ skip }) => {
      if (stand.writer === undefined) {
        skip("nobody here may only put");
        return;
      }
      const world = getWorld();
      const project = await ExportProject.create(world);
      const exporting = { settleSeconds: 1 };
      await world.startWorker({ ...stand.worker, groups: ["export"], exporting });
      const target = await project.addTarget({ ...fieldsOf(stand.writer), prefix: "put-alone" });
      await project.saveMany(5);
      await project.waitForRest(target, TIMEOUT_MS);
      const keys = (await stand.keys()).filter((key) => key.startsWith("put-alone/"));
      expect(keys).toHaveLength(5);
      await world.stopWorkers();
    },
    TIMEOUT_MS,
  );
});
