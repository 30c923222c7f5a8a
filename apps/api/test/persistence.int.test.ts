import { copyFiles, type PersistentStore } from "@bucketbridge/storage/providers";
import {
  PERSISTENCE_STANDS,
  type PersistenceStand,
} from "@bucketbridge/storage/testing/persistence";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeAnnotating, type Json } from "./fixtures/annotating.ts";
import { multipart } from "./fixtures/multipart.ts";
import { writeAsWorker } from "./fixtures/snapshot-writer.ts";
import { useApi } from "./harness.ts";

/** What the API uses at the moment. */
let current: PersistentStore | undefined;
const api = useApi("persistence", (deps) => ({
  ...deps,
  settings: { ...deps.settings, uploads: { maxBytes: 32 * 1024 ** 2, maxDataBytes: 1024 ** 2 } },
  files: {
    open: () => (current === undefined ? deps.files.open() : Promise.resolve(current)),
    close: () => Promise.resolve(),
  },
}));
const { annotate, makeProject, send } = makeAnnotating(api);

/** More than one part of a file. */
const VIDEO = Buffer.alloc(9 * 1024 ** 2, "video bytes ");

interface Made {
  readonly project: number;
  readonly videoUrl: string;
  readonly snapshot: number;
}

const sets = PERSISTENCE_STANDS.map(([type, open], index) => {
  const [nextType = "local", openNext = open] =
    PERSISTENCE_STANDS[(index + 1) % PERSISTENCE_STANDS.length] ?? [];
  return { type, open, nextType, openNext };
});

describe.each(sets)("uploads and exports on $type, then on $nextType", ({ open, openNext }) => {
  let stand: PersistenceStand;
  let next: PersistenceStand;
  let made: Made;
  beforeAll(async () => {
    [stand, next] = await Promise.all([open(), openNext()]);
    current = stand.store;
  });
  afterAll(async () => {
    current = undefined;
    await stand.close();
    await next.close();
  });

  const download = async (url: string, headers = {}): Promise<Buffer> => {
    const response = await api().request({ url, headers });
    expect([200, 206], response.body.slice(0, 200)).toContain(response.statusCode);
    return response.rawPayload;
  };

  async function checkEverything({ project, videoUrl, snapshot }: Made): Promise<void> {
    expect(Buffer.compare(await download(videoUrl), VIDEO)).toBe(0);
    const around = 8 * 1024 ** 2;
    const range = { range: `bytes=${String(around - 3)}-${String(around + 2)}` };
    expect(await download(videoUrl, range)).toEqual(VIDEO.subarray(around - 3, around + 3));
    const at = `/api/projects/${String(project)}/exports/${String(snapshot)}/download`;
    const tasks = JSON.parse((await download(at)).toString()) as Json[];
    expect(tasks.map(({ data }) => data)).toEqual([{ image: videoUrl }, { image: "row.png" }]);
    const csv = (await download(`${at}?exportType=CSV`)).toString();
    expect(csv.split("\r\n")[0]).toContain('"image"');
    expect(csv).toContain(videoUrl);
  }

  test("files are uploaded and served, a snapshot is written and downloaded", async () => {
    const project = await makeProject();
    const url = `/api/projects/${String(project)}/import?return_task_ids=true`;
    const form = multipart([{ name: "clip.mp4", bytes: VIDEO }]);
    const response = await api().request({ method: "POST", url, ...form });
    expect(response.statusCode, response.body).toBe(201);
    const [task = 0] = response.json<{ task_ids: number[] }>().task_ids;
    const rows = multipart([{ name: "rows.csv", text: "image\nrow.png\n" }]);
    expect((await api().request({ method: "POST", url, ...rows })).statusCode).toBe(201);
    await annotate(task);
    const { data } = await send("GET", `/api/tasks/${String(task)}/`);
    const { id } = await send("POST", `/api/projects/${String(project)}/exports/`, {});
    const { database, deps, owner } = api();
    const ref = { organizationId: owner.organizationId, snapshotId: Number(id) };
    await writeAsWorker(database, deps.files, ref);
    made = { project, videoUrl: String((data as Json)["image"]), snapshot: Number(id) };
    await checkEverything(made);
  });

  test("everything is there after a migration, and can be deleted there", async () => {
    const signal = AbortSignal.timeout(60_000);
    const options = { verify: false, signal, onObject: () => undefined };
    // The video in two parts, the table, the snapshot.
    expect(await copyFiles(stand.store, next.store, options)).toMatchObject({ copied: 4 });
    current = next.store;
    await checkEverything(made);
    const { project, snapshot } = made;
    await send("DELETE", `/api/projects/${String(project)}/exports/${String(snapshot)}`);
    for await (const page of next.store.objects("export/", { signal })) expect(page).toEqual([]);
  });
});
