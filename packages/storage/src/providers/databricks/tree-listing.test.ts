import { startDatabricksFake, type DatabricksFake } from "@bucketbridge/testkit/databricks-fake";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ListPage, StorageDriver } from "../../driver.ts";
import { createEgress } from "../../egress/create-egress.ts";
import { openDatabricks } from "../../testing/databricks-harness.ts";
import { advance, fromCursor, nextIndexes, startState, toCursor } from "./walk-state.ts";

const egress = createEgress({ allow: ["loopback"], denied: [] });
const calm = { signal: new AbortController().signal };
let fake: DatabricksFake;
const drivers: StorageDriver[] = [];
beforeAll(async () => {
  fake = await startDatabricksFake({ volumes: ["c/s/v"], tokens: [{ token: "t" }] });
});
beforeEach(() => {
  fake.clearVolume("c/s/v");
  fake.clearFaults();
  fake.setListLatency(0);
});
afterAll(async () => {
  for (const driver of drivers) await driver.close();
  await egress.close();
  await fake.close();
});

async function open(): Promise<StorageDriver> {
  const place = { host: fake.endpoint, catalog: "c", schema: "s", volume: "v" };
  const driver = await openDatabricks({ ...place, token: "t" }, egress);
  drivers.push(driver);
  return driver;
}

/** Every page by `next`, which may be another driver each time. */
async function pagesOf(
  next: () => Promise<StorageDriver>,
  { prefix = "", limit = 1_000 } = {},
): Promise<ListPage[]> {
  const pages: ListPage[] = [];
  let cursor: string | undefined;
  do {
    const driver = await next();
    const page = await driver.listPage({ prefix, recursive: true, limit, cursor }, calm);
    pages.push(page);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return pages;
}

function keysOf(pages: readonly ListPage[]): string[] {
  return pages.flatMap(({ keys }) => keys).sort();
}

describe("a host that wants our memory", () => {
  it.each([
    ["more entries than a page has", Array<object>(1_001).fill({ path: "/Volumes/c/s/v/a" })],
    ["a name without end", [{ path: "/Volumes/c/s/v/a", name: "n".repeat(5 * 1024 * 1024) }]],
  ])("gets nowhere with %s", async (_what, contents) => {
    fake.inject({ kind: "body", body: JSON.stringify({ contents }), on: "list" });
    const driver = await open();
    const listing = driver.listPage({ prefix: "", recursive: true, limit: 1_000 }, calm);
    const error: unknown = await listing.catch((caught: unknown) => caught);
    expect(driver.classifyError(error)).toMatchObject({
      code: "unavailable",
      reason: "databricks.malformed_answer",
    });
  });
});

it("reports a directory whose name is longer than any path, and does not list it", async () => {
  const name = "d".repeat(1_025);
  const contents = [{ path: `/Volumes/c/s/v/${name}`, name, is_directory: true }];
  fake.inject({ kind: "body", body: JSON.stringify({ contents }), on: "list" });
  const before = fake.counters.list;
  const driver = await open();
  const page = await driver.listPage({ prefix: "", recursive: true, limit: 10 }, calm);
  expect(page.unreadable?.map((entry) => entry.name)).toEqual([name]);
  expect(page.cursor).toBeUndefined();
  expect(fake.counters.list - before).toBe(1);
});

describe("a listing of a volume", () => {
  it("asks for eight directories at a time and no more", async () => {
    const keys = Array.from({ length: 40 }, (_, n) => `d${String(n)}/x`).sort();
    for (const key of keys) fake.putFile(`c/s/v/${key}`, "x");
    fake.setListLatency(20);
    const driver = await open();
    expect(keysOf(await pagesOf(() => Promise.resolve(driver)))).toEqual(keys);
    expect(fake.peakListings).toBe(8);
  });

  it("asks for each directory once", async () => {
    for (let n = 0; n < 60; n++)
      fake.putFile(`c/s/v/d${String(n % 12)}/e${String(n % 5)}/f${String(n)}`, "x");
    const before = fake.counters.list;
    const driver = await open();
    expect(keysOf(await pagesOf(() => Promise.resolve(driver), { limit: 7 }))).toHaveLength(60);
    // The volume itself in two pages, 12 directories and 60 below them, one page each.
    expect(fake.counters.list - before).toBe(2 + 12 + 60);
  });

  it("goes on from its cursor in another process after every page, and loses nothing", async () => {
    const keys = Array.from(
      { length: 90 },
      (_, n) => `d${String(n % 9)}/e${String(n % 4)}/f${String(n)}`,
    ).sort();
    for (const key of keys) fake.putFile(`c/s/v/${key}`, "x");
    expect(keysOf(await pagesOf(open, { limit: 5 }))).toEqual(keys);
  });

  it("holds a cursor of a few KB for a directory of 3,000 directories", async () => {
    for (let n = 0; n < 3_000; n++) fake.putFile(`c/s/v/user-${String(n).padStart(5, "0")}/x`, "x");
    const driver = await open();
    const pages = await pagesOf(() => Promise.resolve(driver), { limit: 500 });
    expect(keysOf(pages)).toHaveLength(3_000);
    expect(Math.max(...pages.map(({ cursor = "" }) => cursor.length))).toBeLessThan(16_000);
  });

  it("gives empty directories no page of their own, and an empty volume one", async () => {
    fake.makeDirectory("c/s/v/a/b/c");
    fake.putFile("c/s/v/a/b/z", "x");
    const driver = await open();
    expect((await pagesOf(() => Promise.resolve(driver))).map(({ keys }) => keys)).toEqual([
      ["a/b/z"],
    ]);
    fake.clearVolume("c/s/v");
    expect(await pagesOf(() => Promise.resolve(driver))).toMatchObject([{ keys: [] }]);
  });

  it("takes a directory that vanishes meanwhile for an empty one", async () => {
    for (const key of ["a/1", "b/1", "c/1"]) fake.putFile(`c/s/v/${key}`, "x");
    fake.inject({ on: "list", path: /\/b$/, kind: "error", status: 404, errorCode: "NOT_FOUND" });
    const driver = await open();
    expect(keysOf(await pagesOf(() => Promise.resolve(driver)))).toEqual(["a/1", "c/1"]);
  });

  it("fails as a whole when one directory cannot be read, and goes on where it was afterwards", async () => {
    for (let n = 0; n < 20; n++) fake.putFile(`c/s/v/d${String(n).padStart(2, "0")}/x`, "x");
    const driver = await open();
    const request = { prefix: "", recursive: true, limit: 4 };
    const first = await driver.listPage(request, calm);
    fake.inject({
      on: "list",
      path: /d0[0-9]$/,
      kind: "error",
      status: 503,
      errorCode: "x",
      times: 20,
    });
    const { cursor } = first;
    const seen = [...first.keys];
    let next = cursor;
    let failures = 0;
    while (next !== undefined) {
      const page: ListPage | undefined = await driver
        .listPage({ ...request, cursor: next }, calm)
        .catch(() => undefined);
      if (page === undefined) {
        failures++;
        if (failures === 2) fake.clearFaults();
        continue;
      }
      seen.push(...page.keys);
      next = page.cursor;
    }
    expect(failures).toBeGreaterThan(0);
    expect(seen.sort()).toEqual(
      Array.from({ length: 20 }, (_, n) => `d${String(n).padStart(2, "0")}/x`),
    );
  });

  it("shows a new listing what was written since the last one gave up", async () => {
    for (const key of ["a/1", "b/1", "c/1"]) fake.putFile(`c/s/v/${key}`, "x");
    const driver = await open();
    await driver.listPage({ prefix: "", recursive: true, limit: 1 }, calm);
    fake.putFile("c/s/v/b/2", "x");
    expect(keysOf(await pagesOf(() => Promise.resolve(driver), { limit: 1 }))).toEqual([
      "a/1",
      "b/1",
      "b/2",
      "c/1",
    ]);
  });

  it("says that its cursor has expired when the workspace forgot the page", async () => {
    for (let n = 0; n < 9; n++) fake.putFile(`c/s/v/f${String(n)}`, "x");
    const driver = await open();
    const { cursor } = await driver.listPage({ prefix: "", recursive: true, limit: 3 }, calm);
    fake.expirePageTokens();
    for (const used of [cursor, "nonsense"]) {
      const error: unknown = await (
        await open()
      )
        .listPage({ prefix: "", recursive: true, limit: 3, cursor: used }, calm)
        .catch((caught: unknown) => caught);
      expect(driver.classifyError(error)).toMatchObject({ reason: "databricks.cursor_expired" });
    }
  });

  it("reports directories below the 64th level instead of walking for ever", async () => {
    const deep = Array.from({ length: 70 }, () => "d").join("/");
    fake.putFile(`c/s/v/${deep}/x`, "x");
    fake.putFile("c/s/v/top", "x");
    const driver = await open();
    const pages = await pagesOf(() => Promise.resolve(driver));
    expect(keysOf(pages)).toEqual(["top"]);
    const unreadable = pages.flatMap((page) => page.unreadable ?? []);
    expect(unreadable).toHaveLength(1);
    expect(unreadable[0]).toMatchObject({ code: "folder_unreadable" });
  });

  it.each(["..", ".", "", "a/b", "\u0000", "\ud800"])(
    "never follows a name like %j out of its directory",
    async (name) => {
      const contents = [
        { path: "/Volumes/c/s/v/good", name: "good", is_directory: false, file_size: 1 },
        { path: "/etc", name, is_directory: true },
      ];
      fake.inject({ on: "list", kind: "body", body: JSON.stringify({ contents }) });
      const driver = await open();
      const before = fake.counters.list;
      const pages = await pagesOf(() => Promise.resolve(driver));
      expect(keysOf(pages)).toEqual(["good"]);
      expect(pages[0]?.unreadable).toHaveLength(1);
      expect(fake.counters.list - before).toBe(1);
    },
  );

  it("sends each part of a path encoded by itself", async () => {
    fake.putFile("c/s/v/a b#c?d%2F/ü+x", "x");
    const driver = await open();
    await driver.stat("a b#c?d%2F/ü+x", calm);
    expect(fake.paths.at(-1)).toBe("/api/2.0/fs/files/Volumes/c/s/v/a%20b%23c%3Fd%252F/%C3%BC%2Bx");
  });
});

describe("the state of a walk", () => {
  it("is the same after a cursor", () => {
    const state = startState("a/b");
    advance(state, "token=", ["a/b/é", "a/b/\u{1F389}"]);
    expect(fromCursor(toCursor(state))).toEqual(state);
  });

  it("goes into the depth when many directories wait, so that their number stays bounded", () => {
    const state = startState("");
    let most = 0;
    // A tree of 5 levels, each directory with 1,000 directories.
    for (let turn = 0; turn < 3_000; turn++) {
      const [index = 0] = nextIndexes(state, 1);
      const path = state.pending[index]?.path ?? "";
      const depth = path === "" ? 0 : path.split("/").length;
      const children = Array.from(
        { length: 1_000 },
        (_, n) => (path === "" ? "" : `${path}/`) + String(n),
      );
      advance(state, undefined, depth < 4 ? children : []);
      most = Math.max(most, state.pending.length);
    }
    expect(most).toBeLessThan(5_500);
  });
});
