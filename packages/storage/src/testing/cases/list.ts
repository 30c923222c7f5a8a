import { compareKeys } from "@bucketbridge/core";
import { expect } from "vitest";
import { calm, toBytes, type ConformanceCase } from "../case.ts";

const group = "list";
const TEN_KEYS = Array.from({ length: 10 }, (_, index) => `k${String(index)}`);

/** What a listing must do. */
export const LIST_CASES: readonly ConformanceCase[] = [
  {
    group,
    name: "yields no key for an empty bucket",
    run: async (t) => {
      expect((await t.list()).keys).toEqual([]);
    },
  },
  {
    group,
    name: "crosses page boundaries without loss or repetition",
    run: async (t) => {
      await t.seed(...TEN_KEYS);
      const listed = await t.list();
      expect([...listed.keys].sort()).toEqual(TEN_KEYS);
      expect(listed.pages).toBeGreaterThanOrEqual(4);
    },
  },
  {
    group,
    name: "lists one key per page when asked to",
    run: async (t) => {
      await t.seed("a", "b", "c");
      expect(await t.sortedKeys({ limit: 1 })).toEqual(["a", "b", "c"]);
    },
  },
  {
    group,
    name: "does not leak sibling prefixes",
    run: async (t) => {
      await t.seed("foo/a", "foobar/b", "foo.txt");
      expect(await t.sortedKeys({ prefix: "foo/" })).toEqual(["foo/a"]);
    },
  },
  {
    group,
    name: "takes a prefix as plain text, not as a folder",
    run: async (t) => {
      await t.seed("foo/a", "foobar/b", "foo.txt", "fo");
      expect(await t.sortedKeys({ prefix: "foo" })).toEqual(["foo.txt", "foo/a", "foobar/b"]);
    },
  },
  {
    group,
    name: "finds prefixes with characters that need escaping",
    run: async (t) => {
      await t.seed("a b+c%20/ü&x", "a b+c 0/y");
      expect((await t.list({ prefix: "a b+c%20/" })).keys).toEqual(["a b+c%20/ü&x"]);
    },
  },
  {
    group,
    name: "lists nothing below a prefix that does not exist",
    run: async (t) => {
      await t.seed("a");
      expect((await t.list({ prefix: "nowhere/deep/" })).keys).toEqual([]);
    },
  },
  {
    group,
    name: "stays in one folder when not recursive",
    run: async (t) => {
      await t.seed("a", "dir/b", "dir/sub/c", "dir/sub/d", "z");
      expect(await t.sortedKeys({ recursive: false })).toEqual(["a", "z"]);
      expect(await t.sortedKeys({ prefix: "dir/", recursive: false })).toEqual(["dir/b"]);
    },
  },
  {
    group,
    name: "pages through one folder among many subfolders",
    run: async (t) => {
      const files = TEN_KEYS.map((key) => `dir/${key}`);
      await t.seed(...files, ...TEN_KEYS.map((key) => `dir/${key}-sub/x`));
      expect(await t.sortedKeys({ prefix: "dir/", recursive: false })).toEqual(files);
    },
  },
  {
    group,
    name: "starts strictly after a key",
    run: async (t) => {
      await t.seed("a", "b", "b-/c", "c", "d");
      expect(await t.sortedKeys({ after: "b" })).toEqual(["b-/c", "c", "d"]);
      expect(await t.sortedKeys({ after: "b-/zzz" })).toEqual(["c", "d"]);
      expect(await t.sortedKeys({ after: "d" })).toEqual([]);
    },
  },
  {
    group,
    name: "starts after a key within a prefix, over several pages",
    run: async (t) => {
      await t.seed("a/0", ...TEN_KEYS.map((key) => `p/${key}`), "q/0");
      const expected = TEN_KEYS.slice(3).map((key) => `p/${key}`);
      expect(await t.sortedKeys({ prefix: "p/", after: "p/k2" })).toEqual(expected);
    },
  },
  {
    group,
    name: "goes on from a cursor with another driver",
    run: async (t) => {
      await t.seed(...TEN_KEYS);
      const first = t.store.pages({}, calm);
      const page = await first.next();
      await first.return();
      expect(page.done).toBe(false);
      const { keys = [], cursor } = page.value ?? {};
      const other = await t.harness.open();
      const rest = await t.list({ cursor }, t.storeOf(other));
      await other.close();
      expect([...keys, ...rest.keys].sort()).toEqual(TEN_KEYS);
    },
  },
  {
    group,
    name: "keeps the order that the driver declares, beyond the basic plane too",
    run: async (t) => {
      // A dot sorts before a slash and a digit after it: folders must be ordered by their full keys.
      const keys = [
        "b",
        "é",
        "Z",
        "a.txt",
        "a-/b",
        "a/b",
        "a0",
        "a/b.c/d",
        "\uFFFD",
        "\u{1F389}",
        "\u{1F389}a",
      ];
      await t.seed(...keys);
      const listed = await t.list();
      expect([...listed.keys].sort()).toEqual([...keys].sort());
      if (t.driver.traits.order === "key") expect(listed.keys).toEqual([...keys].sort(compareKeys));
    },
  },
  {
    group,
    name: "lists a key that is also the folder of others",
    gap: "key.also_folder",
    run: async (t) => {
      if (t.driver.traits.keyForm === "path") return;
      await t.seed("p", "p/q", "p/q/r", "p.txt");
      expect(await t.sortedKeys()).toEqual(["p", "p.txt", "p/q", "p/q/r"]);
      expect(await t.sortedKeys({ prefix: "p/", recursive: false })).toEqual(["p/q"]);
    },
  },
  {
    group,
    name: "lists zero-byte objects with their size",
    run: async (t) => {
      await t.harness.seed("empty", new Uint8Array());
      await t.harness.seed("five", toBytes("12345"));
      const { sizes } = await t.list();
      expect(Object.fromEntries(sizes)).toEqual({ empty: 0, five: 5 });
    },
  },
  {
    group,
    name: "leaves folder markers in",
    gap: "key.folder_marker",
    run: async (t) => {
      if (t.driver.traits.keyForm === "path") return;
      await t.harness.seed("dir/", new Uint8Array());
      await t.seed("dir/a");
      expect(await t.sortedKeys()).toEqual(["dir/", "dir/a"]);
      expect(await t.sortedKeys({ prefix: "dir/", recursive: false })).toEqual(["dir/", "dir/a"]);
    },
  },
  {
    group,
    name: "keeps what was there while objects are added",
    run: async (t) => {
      await t.seed(...TEN_KEYS);
      const seen: string[] = [];
      for await (const page of t.store.pages({}, calm)) {
        seen.push(...page.keys);
        if (seen.length <= 6)
          await t.seed(
            `a${String(seen.length)}`,
            `k5${String(seen.length)}`,
            `z${String(seen.length)}`,
          );
      }
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.filter((key) => TEN_KEYS.includes(key)).sort()).toEqual(TEN_KEYS);
    },
  },
  {
    group,
    name: "says the same of an object as stat and read do",
    run: async (t) => {
      await t.seed("dir/same");
      const { etags, sizes } = await t.list();
      const info = await t.store.stat("dir/same", calm);
      const { info: readInfo, body } = await t.store.read("dir/same", {}, calm);
      for await (const chunk of body) expect(chunk.byteLength).toBeGreaterThan(0);
      expect(info).toMatchObject({ key: "dir/same", size: sizes.get("dir/same") });
      expect(readInfo).toMatchObject({ key: "dir/same", size: info.size });
      expect(readInfo.etag).toBe(info.etag);
      expect(etags.get("dir/same")).toBe(info.etag ?? "");
    },
  },
  {
    group,
    name: "shows keys relative to a root folder and nothing beside it",
    run: async (t) => {
      await t.seed("root/a", "root/b/c", "rootless/d", "other");
      const store = t.storeOf(t.driver, "root");
      expect([...(await t.list({}, store)).keys].sort()).toEqual(["a", "b/c"]);
      expect((await t.list({ prefix: "b/", after: "b/b" }, store)).keys).toEqual(["b/c"]);
      expect((await store.stat("b/c", calm)).key).toBe("b/c");
    },
  },
];
