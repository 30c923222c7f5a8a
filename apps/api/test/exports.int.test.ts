import { convertExport } from "@bucketbridge/sync";
import {
  PERSISTENCE_STANDS,
  type PersistenceStand,
} from "@bucketbridge/storage/testing/persistence";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CAT, makeAnnotating, type Json } from "./fixtures/annotating.ts";
import { addPerson } from "./fixtures/people.ts";
import { writeAsWorker } from "./fixtures/snapshot-writer.ts";
import { useApi } from "./harness.ts";

const [, openLocal] = PERSISTENCE_STANDS[0] ?? [];
let stand: PersistenceStand | undefined;
const rung: unknown[] = [];
const api = useApi("exports", async (deps) => {
  stand = await openLocal?.();
  const store = stand?.store;
  const ring = (name: string, payload: unknown): Promise<boolean> => {
    rung.push([name, payload]);
    return Promise.resolve(true);
  };
  const bell = { ring } as typeof deps.bell;
  return store === undefined
    ? deps
    : {
        ...deps,
        bell,
        files: { open: () => Promise.resolve(store), close: () => Promise.resolve() },
      };
});
afterAll(() => stand?.close());
const { annotate, makeProject, makeTasks, send } = makeAnnotating(api);

let project = 0;
const at = (path: string): string => `/api/projects/${String(project)}/${path}`;

async function write(snapshotId: number): Promise<void> {
  const { database, deps, owner } = api();
  await writeAsWorker(database, deps.files, { organizationId: owner.organizationId, snapshotId });
}

async function makeSnapshot(body: object = {}): Promise<number> {
  const { id } = await send("POST", at("exports/"), body);
  await write(Number(id));
  return Number(id);
}

async function download(id: number, query = ""): Promise<string> {
  const response = await api().request({ url: at(`exports/${String(id)}/download${query}`) });
  expect(response.statusCode, response.body).toBe(200);
  return response.body;
}

beforeAll(async () => {
  project = await makeProject();
  const [first = 0, second = 0] = await makeTasks(project, ["a.jpg", "b.jpg", "c.jpg"]);
  await annotate(first);
  await annotate(second, { was_cancelled: true });
  await annotate(second, { ground_truth: true });
});

describe("a snapshot", () => {
  test("is made, listed, shown, downloaded and deleted by the calls of the SDK", async () => {
    const made = await send("POST", at("exports/"), { title: "January" });
    const id = Number(made["id"]);
    expect(made).toMatchObject({
      title: "January",
      status: "created",
      finished_at: null,
      created_by: { email: "owner@example.com" },
    });
    expect(rung.at(-1)).toEqual([
      "export.snapshot",
      {
        v: 1,
        organizationId: api().owner.organizationId,
        snapshotId: id,
        label: `export · snapshot January · ${String(id)}`,
      },
    ]);
    const early = await api().request({ url: at(`exports/${String(id)}/download`) });
    expect([early.statusCode, early.json<Json>()["detail"]]).toEqual([
      404,
      "Export is not completed yet",
    ]);
    await write(id);
    const shown = await send("GET", at(`exports/${String(id)}`));
    expect(shown).toMatchObject({
      status: "completed",
      counters: { task_number: 3, annotation_number: 3 },
    });
    const tasks = JSON.parse(await download(id)) as Json[];
    expect(tasks.map(({ data }) => data)).toEqual([
      { image: "a.jpg" },
      { image: "b.jpg" },
      { image: "c.jpg" },
    ]);
    expect(tasks[0]).toMatchObject({
      annotations: [{ result: CAT, completed_by: { email: "owner@example.com" } }],
    });
    const list = await send<Json[]>("GET", at("exports/"));
    expect(list[0]).toEqual(shown);
    await send("DELETE", at(`exports/${String(id)}`));
    await send("GET", at(`exports/${String(id)}`), undefined, 404);
    for await (const page of stand?.store.objects(`export/${String(project)}/${String(id)}/`, {
      signal: AbortSignal.timeout(10_000),
    }) ?? [])
      expect(page).toEqual([]);
  });

  test("holds the tasks and annotations that were asked for", async () => {
    const sizes = async (body: object): Promise<number[]> => {
      const tasks = JSON.parse(await download(await makeSnapshot(body))) as {
        annotations: unknown[];
      }[];
      return tasks.map(({ annotations }) => annotations.length);
    };
    expect(await sizes({ task_filter_options: { annotated: "only" } })).toEqual([1, 2]);
    expect(await sizes({ task_filter_options: { annotated: "exclude" } })).toEqual([0]);
    expect(await sizes({ task_filter_options: { skipped: "only" } })).toEqual([2]);
    expect(await sizes({ annotation_filter_options: { usual: true } })).toEqual([1, 0, 0]);
    expect(
      await sizes({ annotation_filter_options: { skipped: true, ground_truth: true } }),
    ).toEqual([0, 2, 0]);
    const refused = await send("POST", at("exports/"), { task_filter_options: { view: 3 } }, 400);
    expect(JSON.stringify(refused)).toContain("this filter is not supported");
    expect(
      await send("POST", at("exports/"), { task_filter_options: { annotated: "maybe" } }, 400),
    ).toBeDefined();
  });

  test.each(["JSON_MIN", "CSV", "TSV"] as const)("is downloaded as %s", async (format) => {
    const id = await makeSnapshot();
    const tasks = JSON.parse(await download(id)) as Json[];
    const open = async function* (): AsyncGenerator<string> {
      for (const task of tasks) {
        await Promise.resolve();
        yield JSON.stringify(task);
      }
    };
    const chunks: Uint8Array[] = [];
    for await (const chunk of convertExport(open, format, new Map([["c", { type: "Choices" }]])))
      chunks.push(chunk);
    const body = await download(id, `?exportType=${format}`);
    expect(body).toBe(Buffer.concat(chunks).toString());
    expect(body).toContain("cat");
    const converted = await send(
      "POST",
      at(`exports/${String(id)}/convert`),
      { export_type: format },
      200,
    );
    expect(converted["export_type"]).toBe(format);
    await send("GET", at(`exports/${String(id)}/download?exportType=COCO`), undefined, 400);
  });

  test("of an empty project is an empty list", async () => {
    const before = project;
    project = await makeProject();
    expect(await download(await makeSnapshot())).toBe("[]");
    expect(await download(await makeSnapshot(), "?exportType=JSON_MIN")).toBe("[\n\n]");
    project = before;
  });
});

describe("an export at once", () => {
  test("holds annotated tasks, or all of them, in every format", async () => {
    const response = await api().request({ url: at("export?exportType=JSON") });
    expect(response.statusCode, response.body).toBe(200);
    expect(response.headers["content-disposition"]).toMatch(
      /^attachment; filename="project-\d+-at-/,
    );
    expect(response.json<Json[]>()).toHaveLength(2);
    const all = await send<Json[]>("GET", at("export?export_type=JSON&download_all_tasks=true"));
    expect(all).toHaveLength(3);
    const csv = await api().request({ url: at("export?export_type=CSV&download_all_tasks=true") });
    expect(csv.headers["content-type"]).toContain("text/csv");
    // Two annotations that were not skipped, and the task that has none.
    expect(csv.body.trim().split("\r\n")).toHaveLength(1 + 3);
    const formats = await send<Json[]>("GET", at("export/formats"));
    expect(formats.map(({ name }) => name)).toEqual(["JSON", "JSON_MIN", "CSV", "TSV"]);
  });

  test("is for managers, of the organisation alone", async () => {
    const annotator = await addPerson(api(), "annotator", { email: "exports@example.com" });
    await api().deps.projectMembers.add(api().owner.organizationId, project, annotator.userId);
    const status = async (url: string, token: string): Promise<number> =>
      (await api().request({ url, token })).statusCode;
    const id = await makeSnapshot();
    for (const url of [at("export"), at("exports/"), at(`exports/${String(id)}/download`)]) {
      expect(await status(url, annotator.token)).toBe(403);
      expect(await status(url, api().stranger.token)).toBe(404);
    }
  });
});
