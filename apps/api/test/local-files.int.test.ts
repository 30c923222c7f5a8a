import fs from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { useLocalStores } from "./fixtures/local-stores.ts";
import { useApi, type TestRequest } from "./harness.ts";

type Json = Record<string, unknown>;
const KEYS =
  "id,type,synchronizable,path,regex_filter,use_blob_urls,last_sync,last_sync_count,last_sync_job,status,traceback,meta," +
  "title,description,created_at,recursive_scan,project";

describe("local files", () => {
  const files = useLocalStores();
  const api = useApi("api_local_files", files.change);
  let project = 0;

  beforeAll(async () => {
    const request = { method: "POST", url: "/api/projects/", payload: {} } as const;
    project = (await api().request(request)).json<{ id: number }>().id;
    files.write("ds/a.png", "0123456789");
    files.write("ds/b.txt", "text");
    files.write("ds/sub/c.png", "c");
    files.write("ds/page.html", "<script>alert(1)</script>");
    files.write("ds/empty.bin", "");
    files.write("ds-private/secret.txt", "secret");
    files.write("one/single.json", "{}");
    files.write("one/other.json", "{}");
    files.write("outside.txt", "outside");
  });

  async function call(options: TestRequest, status = 200): Promise<Json> {
    const response = await api().request(options);
    expect(response.statusCode, response.body).toBe(status);
    return response.json<Json>();
  }
  const create = (payload: Json, status = 201) =>
    call(
      { method: "POST", url: "/api/storages/localfiles/", payload: { project, ...payload } },
      status,
    );
  const at = (name: string) => path.join(files.root, name);
  const file = (d: string, options: Partial<TestRequest> = {}) =>
    api().request({ url: `/data/local-files/?d=${encodeURIComponent(d)}`, ...options });

  describe("as a storage", () => {
    it("answers with the keys of the contract, a normal path, and scans folders by default", async () => {
      const storage = await create({ path: ` ${at("ds")}/./sub/../ `, use_blob_urls: true });
      expect(Object.keys(storage).join()).toBe(KEYS);
      expect(storage).toMatchObject({
        path: at("ds"),
        recursive_scan: true,
        status: "initialized",
      });
      await api().request({
        method: "DELETE",
        url: `/api/storages/localfiles/${String(storage["id"])}`,
      });
    });

    it.each([
      [{}, "Path must be set for Local Files storage"],
      [{ path: "/no/such/folder" }, 'Absolute local path "/no/such/folder" does not exist'],
    ])("refuses %j in the contract's words", async (payload, message) => {
      const answer = await create(payload, 400);
      expect(answer["validation_errors"]).toEqual({ non_field_errors: [message] });
    });

    it("refuses the document root and what lies outside of it", async () => {
      const root = await create({ path: files.root }, 400);
      expect(JSON.stringify(root)).toContain("cannot be the same as LOCAL_FILES_DOCUMENT_ROOT");
      const outside = await create({ path: "/" }, 400);
      expect(JSON.stringify(outside)).toContain(
        "must be a subdirectory of LOCAL_FILES_DOCUMENT_ROOT",
      );
    });

    it("may change its title alone", async () => {
      const storage = await create({ path: at("ds") });
      const url = `/api/storages/localfiles/${String(storage["id"])}`;
      expect(await call({ method: "PATCH", url, payload: { title: "new" } })).toMatchObject({
        title: "new",
        path: at("ds"),
      });
      await api().request({ method: "DELETE", url });
    });

    it("previews absolute paths, matches the last part of a name, and descends", async () => {
      const preview = async (payload: Json) => {
        const body = { project, path: at("ds"), ...payload };
        const answer = await call({
          method: "POST",
          url: "/api/storages/localfiles/files",
          payload: body,
        });
        return (answer["files"] as { key: string }[]).map(({ key }) => key);
      };
      expect(await preview({ regex_filter: ".*png" })).toEqual([
        at("ds/a.png"),
        at("ds/sub/c.png"),
      ]);
      expect(await preview({ regex_filter: "c" })).toEqual([at("ds/sub/c.png")]);
      expect(await preview({ recursive_scan: "false", regex_filter: ".*png" })).toEqual([
        at("ds/a.png"),
      ]);
    });

    it("has the recorded form, and a switch for folders", async () => {
      const rows = (await api().request({ url: "/api/storages/localfiles/form" })).body;
      expect(rows).toContain(
        '[{"columnCount":2,"fields":[{"type":"text","name":"title","label":"Storage Name","required":true},{"type":"text","name":"path","label":"Absolute local path","required":true}]},{"columnCount":1,"fields":[{"type":"text","name":"regex_filter","label":"File Filter Regex","placeholder":".*csv or .*(jpe?g|png|tiff) or .\\\\w+-\\\\d+.text","validators":["regexp"]}]},{"columnCount":1,"fields":[{"type":"select","name":"use_blob_urls"',
      );
      expect(rows).toContain('"name":"recursive_scan"');
    });
  });

  describe("served", () => {
    it("needs a connected storage", async () => {
      expect((await file("ds/a.png")).statusCode).toBe(404);
      await create({ path: at("ds") });
      const answer = await file("ds/a.png");
      expect([answer.statusCode, answer.body]).toEqual([200, "0123456789"]);
      expect(answer.headers).toMatchObject({
        "content-type": "image/png",
        "content-length": "10",
        "accept-ranges": "bytes",
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-cache",
      });
      expect(answer.headers["content-security-policy"]).toContain("sandbox");
    });

    it("takes the path in every spelling that stays inside", async () => {
      const name = path.basename(files.root);
      for (const d of [
        "/ds/a.png",
        "ds//a.png",
        `../${name}/ds/a.png`,
        "ds/sub/../a.png",
        "ds/a.png/",
      ]) {
        expect((await file(d)).statusCode, d).toBe(200);
      }
      expect((await api().request({ url: "/data/local-files?d=ds/a.png" })).statusCode).toBe(200);
    });

    it.each([
      "../../etc/passwd",
      "/../../../etc/passwd",
      "ds/../../../etc/passwd",
      "ds/../outside.txt",
      "ds-private/secret.txt",
      "outside.txt",
      "ds",
      "ds/nope.png",
      "ds/a.png\u0000",
      "one/other.json",
    ])("is 404 for %j", async (d) => {
      const answer = await file(d);
      expect([answer.statusCode, answer.body]).toEqual([404, ""]);
    });

    it("serves a storage that is one file, and nothing beside it", async () => {
      await create({ path: at("one/single.json") });
      expect((await file("one/single.json")).body).toBe("{}");
      expect((await file("one/other.json")).statusCode).toBe(404);
    });

    it("does not follow links", async () => {
      fs.symlinkSync(at("outside.txt"), at("ds/link.txt"));
      fs.symlinkSync("/etc", at("ds/etc"));
      expect((await file("ds/link.txt")).statusCode).toBe(404);
      expect((await file("ds/etc/passwd")).statusCode).toBe(404);
    });

    it.each([
      ["bytes=2-4", 206, "234", "bytes 2-4/10"],
      ["bytes=7-", 206, "789", "bytes 7-9/10"],
      ["bytes=-3", 206, "789", "bytes 7-9/10"],
      ["bytes=0-99", 206, "0123456789", "bytes 0-9/10"],
      ["bytes=20-", 200, "0123456789", undefined],
      ["bytes=4-2", 200, "0123456789", undefined],
      ["bytes=0-1,4-5", 200, "0123456789", undefined],
      ["lines=1-2", 200, "0123456789", undefined],
    ])("answers the range %s with %i", async (range, status, body, contentRange) => {
      const answer = await file("ds/a.png", { headers: { range } });
      expect([answer.statusCode, answer.body]).toEqual([status, body]);
      expect(answer.headers["content-range"]).toBe(contentRange);
      expect(answer.headers["content-length"]).toBe(String(body.length));
    });

    it("answers 304 for a tag that it gave, alone, in a list or as *, also with a range", async () => {
      const { etag = "" } = (await file("ds/a.png")).headers;
      expect(etag).toMatch(/^W\/"[0-9a-f]+-a"$/);
      for (const header of [etag, `"x", ${etag}`, "*", etag.replace("W/", "")]) {
        const answer = await file("ds/a.png", {
          headers: { "if-none-match": header, range: "bytes=0-1" },
        });
        expect([answer.statusCode, answer.body, answer.headers.etag]).toEqual([304, "", etag]);
      }
      expect((await file("ds/a.png", { headers: { "if-none-match": '"x"' } })).statusCode).toBe(
        200,
      );
    });

    it("answers HEAD with the headers alone", async () => {
      const answer = await file("ds/a.png", { method: "HEAD" });
      expect([answer.statusCode, answer.body, answer.headers["content-length"]]).toEqual([
        200,
        "",
        "10",
      ]);
    });

    it("serves an empty file", async () => {
      const answer = await file("ds/empty.bin", { headers: { range: "bytes=0-" } });
      expect([answer.statusCode, answer.body, answer.headers["content-length"]]).toEqual([
        200,
        "",
        "0",
      ]);
    });

    it("makes a download of what could run as a page", async () => {
      const answer = await file("ds/page.html");
      expect(answer.headers["content-disposition"]).toBe("attachment; filename*=UTF-8''page.html");
      expect((await file("ds/b.txt")).headers["content-disposition"]).toMatch(/^inline/);
    });

    it("takes any Accept header, as a browser's for an image", async () => {
      expect(
        (await file("ds/a.png", { headers: { accept: "image/avif,image/*" } })).statusCode,
      ).toBe(200);
    });

    it("is 401 for nobody, with the envelope, and 404 for a stranger", async () => {
      const nobody = await file("ds/a.png", { token: null });
      expect([nobody.statusCode, nobody.json<Json>()["status_code"]]).toEqual([401, 401]);
      expect((await file("ds/a.png", { token: api().stranger.token })).statusCode).toBe(404);
    });

    it("is 403 without a path", async () => {
      for (const url of ["/data/local-files/", "/data/local-files/?d="]) {
        const answer = await api().request({ url });
        expect([answer.statusCode, answer.body]).toEqual([403, ""]);
      }
    });

    it("ends with its storage", async () => {
      const list = await api().request({
        url: `/api/storages/localfiles/?project=${String(project)}`,
      });
      for (const { id } of list.json<{ id: number }[]>()) {
        await api().request({ method: "DELETE", url: `/api/storages/localfiles/${String(id)}` });
      }
      expect((await file("ds/a.png")).statusCode).toBe(404);
    });
  });
});

describe("local files that are switched off", () => {
  const api = useApi("api_local_files_off");

  it("are 403 with the reason", async () => {
    const answer = await api().request({ url: "/data/local-files/?d=a.png" });
    expect(answer.statusCode).toBe(403);
    expect(answer.body).toContain("LOCAL_FILES_SERVING_ENABLED");
  });
});
