import path from "node:path";
import {
  PERSISTENCE_STANDS,
  type PersistenceStand,
} from "@bucketbridge/storage/testing/persistence";
import { afterAll, describe, expect, test } from "vitest";
import { makeAnnotating, type Json } from "./fixtures/annotating.ts";
import { multipart, type FormFile } from "./fixtures/multipart.ts";
import { addPerson } from "./fixtures/people.ts";
import { useApi } from "./harness.ts";

const [, openLocal] = PERSISTENCE_STANDS[0] ?? [];

let stand: PersistenceStand | undefined;
const api = useApi("uploads", async (deps) => {
  stand = await openLocal?.();
  const store = stand?.store;
  return store === undefined
    ? deps
    : { ...deps, files: { open: () => Promise.resolve(store), close: () => Promise.resolve() } };
});
afterAll(() => stand?.close());

const { makeProject, send } = makeAnnotating(api);
const CONFIG = '<View><Image name="i" value="$image"/></View>';

async function upload(
  project: number,
  files: readonly FormFile[],
  query = "",
): Promise<{ readonly status: number; readonly body: Json }> {
  const url = `/api/projects/${String(project)}/import?return_task_ids=true${query}`;
  const response = await api().request({ method: "POST", url, ...multipart(files) });
  return { status: response.statusCode, body: response.json() };
}

async function dataOf(ids: unknown): Promise<Json[]> {
  const tasks = await Promise.all(
    (ids as number[]).map((id) => send("GET", `/api/tasks/${String(id)}/`)),
  );
  return tasks.map((task) => task["data"] as Json);
}

async function storedKeys(): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of stand?.store.objects("", { signal: AbortSignal.timeout(10_000) }) ?? [])
    keys.push(...page.map(({ key }) => key));
  return keys;
}

describe("files of tasks", () => {
  test.each([
    [
      "rows.csv",
      'image,n\na.png,1\n"b,""2"".png",2\n',
      [
        { image: "a.png", n: 1 },
        { image: 'b,"2".png', n: 2 },
      ],
    ],
    [
      "rows.tsv",
      "image\tok\na.png\tTrue\r\nb.png\tFalse\r\n",
      [
        { image: "a.png", ok: true },
        { image: "b.png", ok: false },
      ],
    ],
    ["rows.json", '[{"image":"a"},{"data":{"image":"b"}}]', [{ image: "a" }, { image: "b" }]],
    ["one.json", '{"image":"a"}', [{ image: "a" }]],
    ["rows.jsonl", '{"image":"a"}\n\n{"image":"b"}\n', [{ image: "a" }, { image: "b" }]],
    ["lines.txt", "\ufeffone\ntwo\n", [{ image: "one" }, { image: "two" }]],
  ])("%s becomes tasks, and the tasks name the file", async (name, text, expected) => {
    const project = await makeProject(CONFIG);
    const { status, body } = await upload(project, [{ name, text }]);
    expect(status, JSON.stringify(body)).toBe(201);
    expect(body).toMatchObject({
      task_count: expected.length,
      annotation_count: 0,
      prediction_count: 0,
      found_formats: { [path.extname(name)]: 1 },
      could_be_tasks_list: [".csv", ".tsv", ".txt"].includes(path.extname(name)),
    });
    expect(body["file_upload_ids"]).toHaveLength(1);
    expect(await dataOf(body["task_ids"])).toEqual(expected);
    const [id = 0] = body["task_ids"] as number[];
    const task = await send("GET", `/api/tasks/${String(id)}/`);
    expect(task["file_upload"]).toMatch(new RegExp(`^[0-9a-f]{8}-${name.replace(".", "\\.")}$`));
  });

  test("the answer of a CSV file has the keys of the recorded one", async () => {
    const project = await makeProject(CONFIG);
    const { body } = await upload(project, [{ name: "a.csv", text: "image\na.png\n" }]);
    expect(Object.keys(body)).toEqual([
      "task_count",
      "annotation_count",
      "prediction_count",
      "duration",
      "file_upload_ids",
      "could_be_tasks_list",
      "found_formats",
      "data_columns",
      "task_ids",
    ]);
    expect(body).toMatchObject({
      could_be_tasks_list: true,
      found_formats: { ".csv": 1 },
      data_columns: ["image"],
    });
  });

  test("commit_to_project=false keeps the files and makes no task", async () => {
    const project = await makeProject(CONFIG);
    const { status, body } = await upload(
      project,
      [{ name: "a.csv", text: "image\nx\n" }],
      "&commit_to_project=false",
    );
    expect(status).toBe(201);
    expect(body).toMatchObject({
      task_count: null,
      annotation_count: null,
      prediction_count: null,
    });
    expect(body["file_upload_ids"]).toHaveLength(1);
    const list = await send("GET", `/api/tasks/?project=${String(project)}`);
    expect(list["total"]).toBe(0);
  });
});

describe("what is refused leaves nothing behind", () => {
  test.each([
    ["an archive", [{ name: "a.zip", text: "PK" }], 400, "is an archive (.zip)"],
    ["a program", [{ name: "a.exe", text: "MZ" }], 400, "is not supported"],
    ["broken JSON", [{ name: "a.json", text: "[{" }], 400, "JSON parse error"],
    [
      "a missing key",
      [{ name: "a.json", text: '[{"image":"y"},{"text":"x"}]' }],
      400,
      '"image" key is expected in task data',
    ],
    [
      "a file of tasks that is too large",
      [{ name: "a.csv", text: `image\n${"x".repeat(70_000)}` }],
      413,
      "65536 bytes",
    ],
    [
      "an image that is too large",
      [{ name: "a.png", text: "x".repeat(1_100_000) }],
      413,
      "1048576 bytes",
    ],
    ["no file at all", [], 400, "No files were uploaded"],
    ["latin-1", [{ name: "a.txt", bytes: Buffer.from([0xe4, 0x0a]) }], 400, "it is not UTF-8"],
    [
      "an open quote",
      [{ name: "a.csv", text: 'image\n"x' }],
      400,
      "a quote is opened and never closed",
    ],
  ] as const)("%s", async (_what, files, expected, sentence) => {
    const project = await makeProject(CONFIG);
    const before = await storedKeys();
    const good = { name: "good.json", text: '{"image":"x"}' };
    const { status, body } = await upload(project, files.length === 0 ? [] : [good, ...files]);
    expect(status, JSON.stringify(body)).toBe(expected);
    expect(JSON.stringify(body)).toContain(JSON.stringify(sentence).slice(1, -1));
    expect(await storedKeys()).toEqual(before);
    const rows = await api().database.inMaintenance((tx) =>
      tx.upload.count({ where: { projectId: project } }),
    );
    expect(rows).toBe(0);
  });
});

describe("uploaded media", () => {
  const bytes = Buffer.from("0123456789");

  async function uploadOne(name = "cat pic.png"): Promise<{ project: number; url: string }> {
    const project = await makeProject(CONFIG);
    const { status, body } = await upload(project, [{ name, bytes }]);
    expect(status, JSON.stringify(body)).toBe(201);
    const [data] = await dataOf(body["task_ids"]);
    return { project, url: String(data?.["image"]) };
  }

  test("become a task that points to where they are served, with ranges and the headers of the proxy", async () => {
    const { project, url } = await uploadOne();
    expect(url).toMatch(new RegExp(`^/data/upload/${String(project)}/[0-9a-f]{8}-cat_pic\\.png$`));
    const whole = await api().request({ url });
    expect([whole.statusCode, whole.body]).toEqual([200, "0123456789"]);
    expect(whole.headers).toMatchObject({
      "content-type": "image/png",
      "x-content-type-options": "nosniff",
      "cache-control": "private, no-cache",
    });
    expect(whole.headers["content-security-policy"]).toContain("sandbox");
    const part = await api().request({ url, headers: { range: "bytes=-3" } });
    expect([part.statusCode, part.body, part.headers["content-range"]]).toEqual([
      206,
      "789",
      "bytes 7-9/10",
    ]);
    const beyond = await api().request({ url, headers: { range: "bytes=10-" } });
    expect([beyond.statusCode, beyond.headers["content-range"]]).toEqual([416, "bytes */10"]);
    const again = await api().request({
      url,
      headers: { "if-none-match": String(whole.headers["etag"]) },
    });
    expect(again.statusCode).toBe(304);
    const head = await api().request({ method: "HEAD", url });
    expect([head.statusCode, head.headers["content-length"], head.body]).toEqual([200, "10", ""]);
    const other = await api().request({
      url: `/storage-data/uploaded/?filepath=${url.slice("/data/".length)}`,
    });
    expect([other.statusCode, other.body]).toEqual([200, "0123456789"]);
  });

  test("are for members of the project alone", async () => {
    const { project, url } = await uploadOne();
    const uploaded = `/storage-data/uploaded/?filepath=${url.slice("/data/".length)}`;
    const annotator = await addPerson(api(), "annotator");
    const ask = async (token: string | null): Promise<number[]> =>
      Promise.all(
        [url, uploaded].map(async (path) => (await api().request({ url: path, token })).statusCode),
      );
    expect(await ask(null)).toEqual([401, 401]);
    expect(await ask(api().stranger.token)).toEqual([404, 403]);
    expect(await ask(annotator.token)).toEqual([404, 403]);
    await api().deps.projectMembers.add(api().owner.organizationId, project, annotator.userId);
    expect(await ask(annotator.token)).toEqual([200, 200]);
    await send("DELETE", `/api/projects/${String(project)}/`);
    expect(await ask(api().owner.token)).toEqual([404, 403]);
  });

  test("that could run in a browser are downloads", async () => {
    const { url } = await uploadOne("drawing.svg");
    const { headers } = await api().request({ url });
    expect(headers["content-disposition"]).toMatch(/^attachment/);
  });

  test("a name never leaves its folder", async () => {
    const { url } = await uploadOne("../../etc/..\\passwd .png");
    expect(url).toMatch(/\/[0-9a-f]{8}-passwd_\.png$/);
    for (const filepath of [
      "",
      "../secret",
      "upload/../../x",
      "upload/1/..%2f..%2fx",
      "/etc/passwd",
    ]) {
      const { statusCode } = await api().request({
        url: `/storage-data/uploaded/?filepath=${encodeURIComponent(filepath)}`,
      });
      expect(statusCode).toBe(filepath === "" ? 404 : 403);
    }
    for (const name of ["..%2f..%2fsecret", "%2e%2e%2fsecret", "x%00y"]) {
      const { statusCode } = await api().request({ url: `/data/upload/1/${name}` });
      expect(statusCode).toBe(404);
    }
  });

  test("a long name in another script is served", async () => {
    const { url } = await uploadOne(`${"猫".repeat(200)}.png`);
    const { statusCode } = await api().request({ url: encodeURI(url) });
    expect(statusCode).toBe(200);
  });

  test("two files of the same name are two files", async () => {
    const project = await makeProject(CONFIG);
    const files = [
      { name: "a.png", text: "1" },
      { name: "a.png", text: "2" },
    ];
    const { body } = await upload(project, files);
    const urls = (await dataOf(body["task_ids"])).map(({ image }) => String(image));
    expect(new Set(urls).size).toBe(2);
    expect(body).toMatchObject({ found_formats: { ".png": 2 } });
    const contents = await Promise.all(
      urls.map(async (url) => (await api().request({ url })).body),
    );
    expect(contents).toEqual(["1", "2"]);
  });
});

describe("pictures of people", () => {
  const png = Buffer.from("89504e470d0a1a0a0000", "hex");
  const avatar = (): string => `/api/users/${String(api().owner.userId)}/avatar/`;
  const whoami = async (): Promise<unknown> =>
    (await send("GET", "/api/current-user/whoami"))["avatar"];

  test("are set, shown to the organisation, replaced and removed", async () => {
    const before = await storedKeys();
    const set = async (name: string): Promise<string> => {
      const response = await api().request({
        method: "POST",
        url: avatar(),
        ...multipart([{ name, bytes: png }]),
      });
      expect([response.statusCode, response.json()], response.body).toEqual([
        200,
        { detail: "avatar saved" },
      ]);
      return String(await whoami());
    };
    const first = await set("me.png");
    expect(first).toMatch(/^\/data\/avatars\/[0-9a-f]{8}-me\.png$/);
    const { statusCode, headers, rawPayload } = await api().request({ url: first });
    expect([statusCode, headers["content-type"], rawPayload]).toEqual([200, "image/png", png]);
    expect((await api().request({ url: first, token: api().stranger.token })).statusCode).toBe(404);
    expect((await api().request({ url: first, token: null })).statusCode).toBe(401);
    const second = await set("new.png");
    expect((await api().request({ url: first })).statusCode).toBe(404);
    expect((await api().request({ url: second })).statusCode).toBe(200);
    await send("DELETE", avatar());
    expect(await whoami()).toBeNull();
    expect(await storedKeys()).toEqual(before);
  });

  test.each([
    [
      "a page that calls itself an image",
      { name: "me.png", text: "<script>" },
      "Please use a JPEG, GIF or PNG image.",
    ],
    [
      "one that is too large",
      { name: "me.png", bytes: Buffer.concat([png, Buffer.alloc(1024 ** 2)]) },
      "may not exceed 1024 Kb",
    ],
  ])("%s is refused", async (_what, file, sentence) => {
    const response = await api().request({ method: "POST", url: avatar(), ...multipart([file]) });
    expect(response.statusCode).toBe(400);
    expect(response.body).toContain(sentence);
  });

  test("are nobody else's to change", async () => {
    const annotator = await addPerson(api(), "annotator", { email: "picture@example.com" });
    const manager = await addPerson(api(), "manager", { email: "manager@example.com" });
    const ask = async (token: string): Promise<number> =>
      (await api().request({ method: "DELETE", url: avatar(), token })).statusCode;
    expect(await ask(annotator.token)).toBe(404);
    expect(await ask(manager.token)).toBe(403);
    expect(await ask(api().stranger.token)).toBe(404);
  });
});
