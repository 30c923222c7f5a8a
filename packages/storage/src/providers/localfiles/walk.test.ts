import { execFileSync } from "node:child_process";
import { mkdir, open, rm, symlink, writeFile } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { compareKeys } from "@bucketbridge/core";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { calm } from "../../testing/case.ts";
import { HAS_PROC_FD, makeTemporaryFolder } from "../../testing/temporary-folder.ts";
import { fromByteString, toByteString } from "./byte-string.ts";
import { FileAccess } from "./client.ts";
import { LocalFilesDriver } from "./driver.ts";
import { positionOf, Walk } from "./walk.ts";

let folder: Awaited<ReturnType<typeof makeTemporaryFolder>>;
let root: string;

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  root = path.join(folder.path, "set");
});
beforeEach(async () => {
  // The program, since it can remove what is too deep for a path.
  execFileSync("rm", ["-rf", root]);
  await mkdir(root);
});
afterAll(async () => {
  execFileSync("rm", ["-rf", root]);
  await folder.remove();
});

async function seed(...keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    await mkdir(path.dirname(path.join(root, key)), { recursive: true });
    await writeFile(path.join(root, key), key);
  }
}

interface WalkSetup {
  readonly prefix?: string;
  readonly recursive?: boolean;
  readonly after?: string;
  readonly limit?: number;
  readonly maxHeldNames?: number;
  /** A new walk from the position of the last entry for each page, as after a crash. */
  readonly isRestarted?: boolean;
}

async function walkAll(setup: WalkSetup = {}): Promise<string[]> {
  const { prefix = "", recursive = true, limit = 1_000, maxHeldNames, isRestarted = false } = setup;
  const start = (after: string | undefined) =>
    new Walk(
      new FileAccess(),
      { directory: root },
      { prefix: toByteString(prefix), recursive, after },
      maxHeldNames,
    );
  const keys: string[] = [];
  let walk = start(setup.after === undefined ? undefined : toByteString(setup.after));
  for (;;) {
    const { entries, hasMore } = await walk.take(limit, calm.signal);
    keys.push(...entries.map(({ folder: where, name }) => fromByteString(where + name) ?? "?"));
    const last = entries.at(-1);
    if (!hasMore || last === undefined) return keys;
    if (isRestarted) walk = start(positionOf(last));
  }
}

/** Names that sort differently as files, as folders and as UTF-16. */
const NAMES = [
  "a",
  "a.",
  "a-",
  "a0",
  "a b",
  "ab",
  "A",
  "é",
  "e\u0301",
  "\uFF5E",
  "\u{1F600}",
  "\u{1F600}a",
  "z",
];
const segment = fc.constantFrom(...NAMES);
const key = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join("/"));

/** Drops keys that are a folder of others: a file system cannot hold both. */
function possible(keys: readonly string[]): string[] {
  return keys.filter((wanted) => !keys.some((other) => other.startsWith(`${wanted}/`)));
}

describe("a walk", () => {
  it("gives every file once, in the order of full keys, whatever prefix, start, page and memory", async () => {
    const setup = fc.record({
      keys: fc.uniqueArray(key, { maxLength: 25 }),
      prefix: fc.oneof(
        fc.constant(""),
        key,
        key.map((text) => `${text}/`),
        segment,
      ),
      after: fc.option(key, { nil: undefined }),
      recursive: fc.boolean(),
      limit: fc.integer({ min: 1, max: 7 }),
      maxHeldNames: fc.integer({ min: 1, max: 6 }),
      isRestarted: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(setup, async ({ keys, prefix: wanted, after, recursive, ...rest }) => {
        await rm(root, { recursive: true, force: true });
        await mkdir(root);
        const files = possible(keys);
        await seed(...files);
        const prefix = recursive || wanted === "" || wanted.endsWith("/") ? wanted : `${wanted}/`;
        const expected = files
          .filter(
            (file) =>
              file.startsWith(prefix) && (after === undefined || compareKeys(file, after) > 0),
          )
          .filter((file) => recursive || !file.slice(prefix.length).includes("/"))
          .sort(compareKeys);
        expect(
          await walkAll({ prefix, recursive, ...(after === undefined ? {} : { after }), ...rest }),
        ).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });

  it("leaves out links, FIFOs, sockets and our own unfinished files", async () => {
    await seed("a", "dir/b", ".hidden", ".bucketbridge-note.txt");
    await symlink(path.join(root, "a"), path.join(root, "link-to-file"));
    await symlink(path.join(root, "dir"), path.join(root, "link-to-folder"));
    await symlink("/etc/passwd", path.join(root, "dir", "link-out"));
    await symlink("nowhere", path.join(root, "dangling"));
    await symlink("..", path.join(root, "dir", "loop"));
    execFileSync("mkfifo", [path.join(root, "fifo")]);
    const server = net.createServer().listen(path.join(root, "socket"));
    await seed(".bucketbridge-00000000-0000-4000-8000-000000000000.tmp");
    expect(await walkAll()).toEqual([".bucketbridge-note.txt", ".hidden", "a", "dir/b"]);
    expect(await walkAll({ prefix: "link-to-folder/" })).toEqual([]);
    await new Promise((resolve) => server.close(resolve));
  });

  it("matches nothing below a prefix that is no folder path", async () => {
    await seed("a/b", "c");
    for (const prefix of ["../", "a/../", "./", "/", "a//", "c/", "a/b/", "nope/x/"]) {
      expect(await walkAll({ prefix }), prefix).toEqual([]);
    }
  });

  it("goes on where it was when files come and go", async () => {
    await seed("a1", "a2", "b/1", "b/2", "c");
    const walk = new Walk(new FileAccess(), { directory: root }, { prefix: "", recursive: true });
    const first = await walk.take(2, calm.signal);
    await rm(path.join(root, "b"), { recursive: true });
    await seed("a3", "d");
    const rest = await walk.take(10, calm.signal);
    expect([...first.entries, ...rest.entries].map(({ name }) => name).slice(0, 2)).toEqual([
      "a1",
      "a2",
    ]);
    expect(rest.entries.map(({ name }) => name)).toContain("c");
  });
});

describe("a listing page of local files", () => {
  const page = (cursor?: string, limit = 100) =>
    new LocalFilesDriver(
      { path: root },
      { documentRoot: folder.path, servingEnabled: true },
    ).listPage({ prefix: "", recursive: true, limit, cursor }, calm);

  it.skipIf(!HAS_PROC_FD)("reports names that are not UTF-8 instead of losing them", async () => {
    await seed("a", "dir/b", "é");
    const bad = Buffer.concat([
      Buffer.from(`${root}/dir/caf`),
      Buffer.from([0xe9]),
      Buffer.from(".jpg"),
    ]);
    await writeFile(bad, "x");
    await mkdir(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff])]));
    await writeFile(
      Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff]), Buffer.from("/below")]),
      "x",
    );
    const { keys, unreadable } = await page();
    expect(keys).toEqual(["a", "dir/b", "é"]);
    expect(unreadable?.map(({ name, code }) => [name, code])).toEqual([
      ["dir/caf\\xe9.jpg", "key_not_utf8"],
      ["\\xff/", "key_not_utf8"],
    ]);
    expect(unreadable?.[0]?.reason).toBe("the name is not UTF-8: rename it");
  });

  it.skipIf(!HAS_PROC_FD)(
    "reports each of them once when every page is a new process",
    async () => {
      await seed("a", "z");
      for (const byte of [0xfe, 0xff]) {
        await writeFile(Buffer.concat([Buffer.from(`${root}/m`), Buffer.from([byte])]), "x");
        await mkdir(Buffer.concat([Buffer.from(`${root}/n`), Buffer.from([byte])]));
      }
      const keys: string[] = [];
      const reported: string[] = [];
      let cursor: string | undefined;
      do {
        const next = await page(cursor, 1);
        keys.push(...next.keys);
        reported.push(...(next.unreadable ?? []).map(({ name }) => name));
        cursor = next.cursor;
      } while (cursor !== undefined);
      expect(keys).toEqual(["a", "z"]);
      expect(reported).toEqual(["m\\xfe", "m\\xff", "n\\xfe/", "n\\xff/"]);
    },
  );

  it.skipIf(!HAS_PROC_FD)(
    "reports a folder that is too deep to enter, and lists the others",
    async () => {
      await seed("a", "z");
      await makeDeepFolder(root, 30);
      const { keys, unreadable } = await page();
      expect(keys).toEqual(["a", "z"]);
      expect(unreadable).toHaveLength(1);
      expect(unreadable?.[0]).toMatchObject({ code: "folder_unreadable" });
      const first = await page(undefined, 2);
      expect(first.unreadable).toHaveLength(1);
      expect((await page(first.cursor)).keys).toEqual(["z"]);
    },
  );

  it("tells size and time of each file", async () => {
    await seed("a", "dir/four");
    const { sizes, modified, etags } = await page();
    expect(sizes).toEqual([1, 8]);
    for (const ms of modified) expect(Math.abs(Date.now() - ms)).toBeLessThan(60_000);
    expect(new Set(etags).size).toBe(2);
  });

  it("lists the one file of a storage that is a file", async () => {
    await seed("dir/one.json", "dir/other.json");
    const policy = { documentRoot: folder.path, servingEnabled: true };
    const driver = new LocalFilesDriver({ path: path.join(root, "dir", "one.json") }, policy);
    const listed = await driver.listPage({ prefix: "", recursive: true, limit: 10 }, calm);
    expect(listed).toMatchObject({ keys: ["./one.json"], sizes: [12] });
    expect((await driver.stat("./one.json", calm)).size).toBe(12);
    await expect(driver.stat("./other.json", calm)).rejects.toMatchObject({
      class: { code: "not_found" },
    });
    await expect(driver.stat("other.json", calm)).rejects.toMatchObject({
      class: { code: "not_found" },
    });
  });
});

/** Folders of 200 characters within each other, made by descriptor since their path is too long for the system. */
async function makeDeepFolder(start: string, depth: number): Promise<void> {
  let current = await open(start);
  for (let level = 0; level < depth; level++) {
    const next = `/proc/self/fd/${String(current.fd)}/${"d".repeat(200)}`;
    await mkdir(next);
    const child = await open(next);
    await current.close();
    current = child;
  }
  await current.close();
}
