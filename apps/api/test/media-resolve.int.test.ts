import { connect } from "node:net";
import { startS3Fake, waitFor, type S3Fake } from "@bucketbridge/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { encodeFileUri } from "../src/media/file-uri.ts";
import { useLocalStores } from "./fixtures/local-stores.ts";
import { useApi, type TestRequest } from "./harness.ts";

type Json = Record<string, unknown>;

const IMAGE = "s3://cats/img/a b.png";
const SIBLING = "s3://cats/img-2/other.png";
const BODY = "0123456789abcdef";

describe("references of task data", () => {
  const stores = useLocalStores(["loopback"]);
  const api = useApi("api_media", stores.change);
  let s3: S3Fake;
  let keys: Json = {};
  let project = 0;
  let source = 0;
  let task = 0;

  beforeAll(async () => {
    s3 = await startS3Fake({ buckets: ["cats", "dogs"] });
    for (const key of ["img/a b.png", "img-2/other.png", "img/page.html", "img/x.svg", "empty.txt"])
      s3.putObject("cats", key, key === "empty.txt" ? "" : BODY);
    const [key] = s3.accessKeys;
    keys = {
      s3_endpoint: s3.endpoint,
      aws_access_key_id: key?.accessKeyId,
      aws_secret_access_key: key?.secretAccessKey,
    };
  });
  afterAll(() => s3.close());

  beforeEach(async () => {
    project = (await post("/api/projects/", {}))["id"] as number;
    source = await addSource({ prefix: "img", presign_ttl: 3 });
    task = await addTask({ image: IMAGE });
  });

  async function post(url: string, payload: Json): Promise<Json> {
    const response = await api().request({ method: "POST", url, payload });
    expect(response.statusCode, response.body).toBe(201);
    return response.json<Json>();
  }
  async function addSource(fields: Json): Promise<number> {
    const payload = { project, bucket: "cats", use_blob_urls: true, ...keys, ...fields };
    return (await post("/api/storages/s3/", payload))["id"] as number;
  }
  const addTask = async (data: Json): Promise<number> =>
    (await post("/api/tasks/", { project, data }))["id"] as number;
  const patchSource = async (payload: Json): Promise<void> => {
    const url = `/api/storages/s3/${String(source)}`;
    const response = await api().request({ method: "PATCH", url, payload });
    expect(response.statusCode, response.body).toBe(200);
  };
  /** `inject` has no connection that could be cut. */
  const listen = async (): Promise<string> => {
    const { app } = api();
    if (!app.server.listening) await app.listen({ port: 0, host: "127.0.0.1" });
    const address = app.server.address();
    return `http://127.0.0.1:${String(typeof address === "object" ? address?.port : "")}`;
  };
  const resolve = (reference: string, over: Partial<TestRequest> = {}, name = "resolve") =>
    api().request({
      url: `/tasks/${String(task)}/${name}/?fileuri=${encodeFileUri(reference)}`,
      ...over,
    });

  it("become URLs of ours when a task is read, and stay as they are in what is stored", async () => {
    const deep = await addTask({
      image: IMAGE,
      nested: [{ html: `<img src="${SIBLING}"> and <a href='s3://cats/img/page.html'>` }],
      foreign: "s3://dogs/x.png",
      text: "s3:/no",
    });
    const url = (reference: string) =>
      `/tasks/${String(deep)}/resolve/?fileuri=${encodeFileUri(reference)}`;
    const shown = {
      image: url(IMAGE),
      nested: [
        { html: `<img src="${url(SIBLING)}"> and <a href='${url("s3://cats/img/page.html")}'>` },
      ],
      foreign: "s3://dogs/x.png",
      text: "s3:/no",
    };
    const one = await api().request({ url: `/api/tasks/${String(deep)}/` });
    expect(one.json<Json>()["data"]).toEqual(shown);
    const list = await api().request({ url: `/api/tasks/?project=${String(project)}` });
    expect(list.json<{ tasks: Json[] }>().tasks[1]?.["data"]).toEqual(shown);
    const raw = await api().request({
      url: `/api/tasks/?project=${String(project)}&resolve_uri=false`,
    });
    expect(raw.json<{ tasks: Json[] }>().tasks[0]?.["data"]).toEqual({ image: IMAGE });
  });

  it.each(["resolve", "presign"])("redirect to a signed URL under /%s", async (name) => {
    const before = { ...s3.counters };
    const response = await resolve(IMAGE, {}, name);
    expect(response.statusCode).toBe(303);
    expect(response.headers["cache-control"]).toBe("no-store, max-age=180");
    const url = new URL(String(response.headers.location));
    expect(url.searchParams.get("X-Amz-Expires")).toBe("180");
    expect(url.searchParams.get("response-content-type")).toBe("image/png");
    expect(s3.counters).toEqual(before);
    const fetched = await fetch(url);
    expect(await fetched.text()).toBe(BODY);
    expect(fetched.headers.get("content-type")).toBe("image/png");
  });

  it("are signed for HEAD when HEAD is asked", async () => {
    const response = await resolve(IMAGE, { method: "HEAD" });
    expect(response.statusCode).toBe(303);
    const url = String(response.headers.location);
    expect((await fetch(url, { method: "HEAD" })).status).toBe(200);
    expect((await fetch(url)).status).toBe(403);
  });

  it("are signed with the same URL within a window, so that browsers find them in their caches", async () => {
    const [first, second] = await Promise.all([resolve(IMAGE), resolve(IMAGE)]);
    expect(first.headers.location).toBe(second.headers.location);
  });

  it.each([
    ["a key that the task does not name", SIBLING],
    ["another bucket", "s3://dogs/x.png"],
    ["another scheme", "gs://cats/img/a b.png"],
    ["a web address", "https://evil.example/x.png"],
    ["a bucket with a user", "s3://cats@evil/img/a.png"],
    ["a key with a line break", "s3://cats/img/a b.png\r\nSet-Cookie: x"],
    ["no reference", "hello"],
  ])("are 404 for %s", async (_name, reference) => {
    const response = await resolve(reference);
    expect([response.statusCode, response.body]).toEqual([404, ""]);
  });

  it("are 400 without a fileuri, 404 in an unknown task, 401 for nobody", async () => {
    const url = `/tasks/${String(task)}/resolve/`;
    expect((await api().request({ url })).statusCode).toBe(400);
    expect((await resolve(IMAGE, { token: null })).statusCode).toBe(401);
    expect((await resolve(IMAGE, { token: api().stranger.token })).statusCode).toBe(404);
    const unknown = `/tasks/999999/resolve/?fileuri=${encodeFileUri(IMAGE)}`;
    expect((await api().request({ url: unknown })).statusCode).toBe(404);
  });

  it("take a fileuri that is percent-encoded, once or twice, or Base64 without padding", async () => {
    const once = encodeURIComponent(IMAGE);
    const bare = encodeFileUri(IMAGE).replaceAll("=", "");
    for (const fileuri of [once, encodeURIComponent(once), bare]) {
      const url = `/tasks/${String(task)}/resolve/?fileuri=${fileuri}`;
      expect((await api().request({ url })).statusCode, fileuri).toBe(303);
    }
  });

  it("outside of the prefix are served unless the prefix is a boundary", async () => {
    task = await addTask({ image: SIBLING });
    expect((await resolve(SIBLING)).statusCode).toBe(303);
    await patchSource({ restrict_to_prefix: true });
    expect((await resolve(SIBLING)).statusCode).toBe(404);
    const shown = await api().request({ url: `/api/tasks/${String(task)}/` });
    expect(shown.json<Json>()["data"]).toEqual({ image: SIBLING });
  });

  it("under a project are bound by prefix and filter of its sources", async () => {
    await patchSource({ regex_filter: ".*\\.(png|html)" });
    const ask = (reference: string) =>
      api().request({
        url: `/projects/${String(project)}/resolve/?fileuri=${encodeFileUri(reference)}`,
      });
    expect((await ask("s3://cats/img/page.html")).statusCode).toBe(303);
    expect((await ask("s3://cats/img/x.svg")).statusCode).toBe(404);
    expect((await ask(SIBLING)).statusCode).toBe(404);
    await addSource({ prefix: "img", regex_filter: ".*\\.svg" });
    expect((await ask("s3://cats/img/x.svg")).statusCode).toBe(303);
    expect((await ask("s3://cats/img/x.xml")).statusCode).toBe(404);
  });

  describe("in proxy mode", () => {
    beforeEach(() => patchSource({ presign: false }));

    it("stream the object under safe headers and its ETag", async () => {
      const response = await resolve(IMAGE);
      expect(response.statusCode).toBe(200);
      expect(response.body).toBe(BODY);
      expect(response.headers).toMatchObject({
        "content-type": "image/png",
        "content-length": "16",
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
        "x-content-type-options": "nosniff",
        vary: "Cookie, Authorization",
      });
      const again = await resolve(IMAGE, {
        headers: { "if-none-match": String(response.headers.etag) },
      });
      expect([again.statusCode, again.body]).toEqual([304, ""]);
      expect(again.headers.etag).toBe(response.headers.etag);
    });

    it.each([
      ["bytes=0-3", 206, "0123", "bytes 0-3/16"],
      ["bytes=12-", 206, "cdef", "bytes 12-15/16"],
      ["bytes=-2", 206, "ef", "bytes 14-15/16"],
      ["bytes=4-99", 206, "456789abcdef", "bytes 4-15/16"],
      ["bytes=16-", 416, "", "bytes */16"],
      ["bytes=0-1,3-4", 200, BODY, undefined],
      ["bytes=5-2", 200, BODY, undefined],
      ["lines=1-2", 200, BODY, undefined],
    ])("answer Range %s with %i", async (range, status, body, contentRange) => {
      const response = await resolve(IMAGE, { headers: { range } });
      expect([response.statusCode, response.body]).toEqual([status, body]);
      expect(response.headers["content-range"]).toBe(contentRange);
    });

    it("answer a range only for the content that If-Range names", async () => {
      const etag = String((await resolve(IMAGE)).headers.etag);
      const ask = (ifRange: string) =>
        resolve(IMAGE, { headers: { range: "bytes=0-3", "if-range": ifRange } });
      expect((await ask(etag)).statusCode).toBe(206);
      expect((await ask('"other"')).statusCode).toBe(200);
      expect((await ask(`W/${etag}`)).statusCode).toBe(200);
    });

    it("answer HEAD from the metadata of the object", async () => {
      const before = { ...s3.counters };
      const response = await resolve(IMAGE, { method: "HEAD" });
      expect(response.headers["content-length"]).toBe("16");
      expect(s3.counters).toEqual({ ...before, head: before.head + 1 });
    });

    it.each([
      ["img/page.html", "text/html; charset=utf-8"],
      ["img/x.svg", "image/svg+xml"],
    ])("send %s as a download that cannot run", async (key, type) => {
      task = await addTask({ page: `s3://cats/${key}` });
      const { headers } = await resolve(`s3://cats/${key}`);
      expect(headers["content-type"]).toBe(type);
      expect(headers["content-disposition"]).toMatch(/^attachment;/);
      expect(headers["content-security-policy"]).toContain("sandbox");
    });

    it("are 424 with the contract's words when the object is gone", async () => {
      task = await addTask({ image: "s3://cats/img/gone.png" });
      const response = await resolve("s3://cats/img/gone.png");
      expect(response.statusCode).toBe(424);
      expect(response.json()).toEqual({
        error: "Storage stream failed while proxying data",
        detail: "Stream is None",
      });
    });

    it("are 424 when the store answers but sends no byte", async () => {
      const fault = s3.inject({ on: "get", kind: "stall", afterBytes: 0, times: 9 });
      expect((await resolve(IMAGE)).statusCode).toBe(424);
      fault.remove();
    });

    it("are cut, never ended quietly, when the store stops in the middle", async () => {
      s3.putObject("cats", "img/big.bin", Buffer.alloc(4 * 1024 * 1024, 7));
      task = await addTask({ file: "s3://cats/img/big.bin" });
      const fault = s3.inject({ on: "get", kind: "stall", afterBytes: 1024 * 1024, times: 9 });
      const url = `${await listen()}/tasks/${String(task)}/resolve/?fileuri=${encodeFileUri("s3://cats/img/big.bin")}`;
      const headers = { authorization: `Token ${api().owner.token}` };
      const response = await fetch(url, { headers });
      expect(response.headers.get("content-length")).toBe(String(4 * 1024 * 1024));
      await expect(response.arrayBuffer()).rejects.toThrow();
      fault.remove();
      await waitFor(() => s3.openBodies === 0, { timeoutMs: 5_000 });
    });

    it("give the store's connection back when the client leaves", async () => {
      s3.putPattern("cats", "img/huge.bin", 512 * 1024 * 1024);
      task = await addTask({ file: "s3://cats/img/huge.bin" });
      const url = `${await listen()}/tasks/${String(task)}/resolve/?fileuri=${encodeFileUri("s3://cats/img/huge.bin")}`;
      const headers = { authorization: `Token ${api().owner.token}` };
      const controller = new AbortController();
      const response = await fetch(url, { headers, signal: controller.signal });
      expect(response.status).toBe(200);
      controller.abort();
      await waitFor(() => s3.openBodies === 0, { timeoutMs: 5_000 });
    });

    it("are cut when the client stops reading, so that its place is free for others", async () => {
      s3.putPattern("cats", "img/endless.bin", 512 * 1024 * 1024);
      task = await addTask({ file: "s3://cats/img/endless.bin" });
      const { host, hostname, port } = new URL(await listen());
      const socket = connect(Number(port), hostname);
      socket.pause();
      const path = `/tasks/${String(task)}/resolve/?fileuri=${encodeFileUri("s3://cats/img/endless.bin")}`;
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Token ${api().owner.token}\r\n\r\n`,
      );
      await waitFor(() => s3.openBodies === 1, { timeoutMs: 5_000 });
      await waitFor(() => s3.openBodies === 0, { timeoutMs: 10_000 });
      socket.destroy();
    });

    it("send an empty object", async () => {
      task = await addTask({ text: "s3://cats/empty.txt" });
      const response = await resolve("s3://cats/empty.txt");
      expect([response.statusCode, response.body]).toEqual([200, ""]);
    });
  });
});
