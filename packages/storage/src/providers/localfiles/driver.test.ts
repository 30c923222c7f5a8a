import { appendFile, mkdir, readdir, rename, truncate, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { collectBody } from "../../body.ts";
import { ObjectStore } from "../../object-store.ts";
import { calm, toBytes } from "../../testing/case.ts";
import { HAS_PROC_FD, listOpenFiles, makeTemporaryFolder } from "../../testing/temporary-folder.ts";
import { LocalFilesDriver } from "./driver.ts";

let folder: Awaited<ReturnType<typeof makeTemporaryFolder>>;
let root: string;
let store: ObjectStore;

beforeAll(async () => {
  folder = await makeTemporaryFolder();
});
beforeEach(async (context) => {
  root = path.join(folder.path, context.task.id);
  await mkdir(root);
  const policy = { documentRoot: folder.path, servingEnabled: true };
  store = new ObjectStore(new LocalFilesDriver({ path: root }, policy), {
    provider: "localfiles",
    place: root,
  });
});
afterAll(async () => {
  await folder.remove();
});

const MIB = 1024 * 1024;
const seed = (name: string, body: string | Uint8Array) => writeFile(path.join(root, name), body);

const openFiles = () => (HAS_PROC_FD ? listOpenFiles(root) : Promise.resolve([]));

/** Opens `name`, reads one chunk, changes the file and reads on. */
async function readWhile(name: string, change: () => Promise<unknown>): Promise<unknown> {
  const { body } = await store.read(name, {}, calm);
  const chunks = body[Symbol.asyncIterator]();
  await chunks.next();
  await change();
  try {
    while ((await chunks.next()).done !== true);
    return "read to the end";
  } catch (error) {
    return error;
  }
}

describe("reading a local file", () => {
  it.each([
    ["grows", () => appendFile(path.join(root, "x"), "more")],
    ["shrinks", () => truncate(path.join(root, "x"), 10)],
    ["is overwritten in place", () => writeFile(path.join(root, "x"), new Uint8Array(MIB).fill(7))],
  ])("refuses to mix versions of a file that %s", async (_what, change) => {
    await seed("x", new Uint8Array(MIB));
    expect(await readWhile("x", change)).toMatchObject({
      code: "precondition_failed",
      reason: "localfiles.changed",
    });
    expect(await openFiles()).toEqual([]);
  });

  it("reads on in the old version of a file that is replaced", async () => {
    await seed("x", new Uint8Array(MIB));
    await seed("new", "new");
    const replaced = await readWhile("x", () =>
      rename(path.join(root, "new"), path.join(root, "x")),
    );
    expect(replaced).toBe("read to the end");
    expect(await openFiles()).toEqual([]);
  });

  it("tells versions apart by time, size and file", async () => {
    const etag = async () => (await store.stat("x", calm)).etag;
    await seed("x", "one");
    await utimes(path.join(root, "x"), 1, 1);
    const first = await etag();
    await utimes(path.join(root, "x"), 1, 1.000_001);
    const touched = await etag();
    await seed("y", "one");
    await utimes(path.join(root, "y"), 1, 1.000_001);
    await rename(path.join(root, "y"), path.join(root, "x"));
    expect(new Set([first, touched, await etag()]).size).toBe(3);
  });

  it.skipIf(!HAS_PROC_FD)(
    "closes the file when the signal is aborted and nobody asks for more",
    async () => {
      await seed("x", new Uint8Array(MIB));
      const controller = new AbortController();
      await store.read("x", {}, { signal: controller.signal });
      expect(await openFiles()).toHaveLength(1);
      controller.abort();
      await expect.poll(openFiles).toEqual([]);
    },
  );
});

describe("writing a local file", () => {
  it("never shows a part of it, and leaves nothing behind when it is canceled", async () => {
    await seed("x", "old");
    const controller = new AbortController();
    const put = store.put(
      { key: "x", body: new Uint8Array(64 * MIB) },
      { signal: controller.signal },
    );
    const sizes = new Set<number>();
    const listed = new Set<string>();
    const race = { isOver: false };
    const settled = put.then(
      () => "resolved",
      () => "rejected",
    );
    void settled.then(() => (race.isOver = true));
    for (let turn = 0; !race.isOver; turn++) {
      sizes.add((await store.stat("x", calm)).size);
      for await (const page of store.pages({}, calm)) for (const key of page.keys) listed.add(key);
      if (turn === 3) controller.abort();
    }
    for (const size of sizes) expect([3, 64 * MIB]).toContain(size);
    expect([...listed]).toEqual(["x"]);
    expect(await readdir(root)).toEqual(["x"]);
  });

  it("makes missing folders and keeps those that are there", async () => {
    await store.put({ key: "a/b/c.json", body: toBytes("1") }, calm);
    await store.put({ key: "a/b/d.json", body: toBytes("2") }, calm);
    await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        store.put({ key: `p/q/${String(index)}`, body: toBytes("x") }, calm),
      ),
    );
    expect((await readdir(root, { recursive: true })).sort()).toHaveLength(14);
    expect(
      Buffer.from(await collectBody((await store.read("a/b/d.json", {}, calm)).body)).toString(),
    ).toBe("2");
    expect(await openFiles()).toEqual([]);
  });

  it("tells the version that it wrote", async () => {
    const written = await store.put({ key: "x", body: toBytes("12345") }, calm);
    expect(written).toEqual(await store.stat("x", calm));
  });
});

describe("a listing", () => {
  it("looks at the folders anew after another process went on with it", async () => {
    for (const name of ["a", "b", "c", "d"]) await seed(name, name);
    const policy = { documentRoot: folder.path, servingEnabled: true };
    const driver = new LocalFilesDriver({ path: root }, policy);
    const request = { prefix: "", recursive: true, limit: 2 };
    const first = await driver.listPage(request, calm);
    const cursor = first.cursor ?? "";
    await seed("b2", "new");
    const held = await driver.listPage({ ...request, cursor }, calm);
    const anew = await driver.listPage({ ...request, cursor }, calm);
    expect([held.keys, anew.keys]).toEqual([
      ["c", "d"],
      ["b2", "c"],
    ]);
  });

  it("holds so many unfinished listings and no more", async () => {
    for (const name of ["a", "b", "c"]) await seed(name, name);
    const policy = { documentRoot: folder.path, servingEnabled: true };
    const driver = new LocalFilesDriver({ path: root }, policy);
    for (let limit = 1; limit <= 2; limit++) {
      for (const recursive of [true, false]) {
        const { cursor } = await driver.listPage({ prefix: "", recursive, limit }, calm);
        const rest = await driver.listPage({ prefix: "", recursive, limit: 10, cursor }, calm);
        expect(rest.keys).toEqual(["a", "b", "c"].slice(limit));
      }
    }
    await driver.close();
  });
});
