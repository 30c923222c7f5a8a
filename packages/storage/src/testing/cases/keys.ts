import { expect } from "vitest";
import { calm, toBytes, type CaseContext, type ConformanceCase } from "../case.ts";
import type { ServiceGap } from "../harness.ts";

interface OddKey {
  readonly title: string;
  readonly key: string;
  /** The key is no relative file path: drivers whose `keyForm` is `path` refuse it. */
  readonly isNoPath?: boolean;
  readonly gap?: ServiceGap;
}

/** Keys that stores, SDKs and URL libraries are known to break. */
const ODD_KEYS: readonly OddKey[] = [
  { title: "a space", key: "with space" },
  { title: "a space at both ends", key: " padded " },
  { title: "a percent sign", key: "per%cent" },
  { title: "a percent escape", key: "a%2Fb%20c%25" },
  { title: "a plus sign", key: "plus+sign" },
  { title: "an XML entity", key: "amp&lt;&amp;#38;" },
  { title: "quotes", key: "quote'\"`" },
  { title: "angle brackets", key: "<script>" },
  { title: "a question mark and a hash", key: "what?x=1#frag" },
  { title: "an equals sign, a comma and a semicolon", key: "a=b,c;d:e@f" },
  { title: "a backslash", key: "back\\slash", gap: "key.backslash" },
  { title: "two dots within a segment", key: "a..b/..c/d.." },
  { title: "a segment of three dots", key: ".../x" },
  { title: "a star and brackets", key: "*[a-z]{b}?" },
  { title: "Chinese characters", key: "汉字/图片" },
  { title: "an emoji", key: "emoji-\u{1F389}" },
  { title: "a composed letter (NFC)", key: "nfc-\u00e9" },
  { title: "a decomposed letter (NFD)", key: "nfd-e\u0301" },
  { title: "a right-to-left mark", key: "rtl-\u202etxt" },
  { title: "a letter case of its own", key: "CaSe/CASE/case" },
  { title: "a tab and a newline", key: "tab\tnewline\n", gap: "key.control_character" },
  {
    title: "control characters",
    key: "\u0001bell\u0007\u001f\u007f",
    gap: "key.control_character",
  },
  { title: "a double slash", key: "a//b", isNoPath: true, gap: "key.double_slash" },
  { title: "a leading slash", key: "/lead", isNoPath: true, gap: "key.leading_slash" },
  { title: "a dot segment", key: "a/./b", isNoPath: true, gap: "key.dot_segment" },
  { title: "a dot-dot segment", key: "a/../b", isNoPath: true, gap: "key.dot_segment" },
  {
    title: "a leading dot-dot segment",
    key: "../../etc/passwd",
    isNoPath: true,
    gap: "key.dot_segment",
  },
];

/** Every odd key must be the same key in a listing, a look-up, a read, a write and a deletion. */
export const KEY_CASES: readonly ConformanceCase[] = [
  ...ODD_KEYS.map(({ title, key, isNoPath = false, gap }): ConformanceCase => ({
    group: "keys",
    name: `round-trips a key with ${title}`,
    ...(gap === undefined ? {} : { gap }),
    run: (t) =>
      isNoPath && t.driver.traits.keyForm === "path" ? refuses(t, key) : roundTrips(t, key),
  })),
  {
    group: "keys",
    name: "keeps the composed and the decomposed form of a name apart",
    run: async (t) => {
      await t.harness.seed("\u00e9", toBytes("composed"));
      await t.harness.seed("e\u0301", toBytes("decomposed"));
      expect((await t.list()).keys).toHaveLength(2);
      expect(await t.readText("\u00e9")).toBe("composed");
      expect(await t.readText("e\u0301")).toBe("decomposed");
    },
  },
  {
    group: "keys",
    name: "refuses an empty key, U+0000 and half of a surrogate pair",
    run: async (t) => {
      for (const key of ["", "a\u0000b", "a\ud800"]) {
        expect(await t.outcome(t.store.stat(key, calm))).toBe("invalid_input");
        expect(await t.outcome(t.store.read(key, {}, calm))).toBe("invalid_input");
      }
    },
  },
];

async function roundTrips(t: CaseContext, key: string): Promise<void> {
  const content = `content of ${JSON.stringify(key)}`;
  // A neighbour that a store might confuse with it.
  await t.seed("neighbour");
  await t.harness.seed(key, toBytes(content));
  expect(await t.sortedKeys()).toEqual([key, "neighbour"].sort());
  expect((await t.store.stat(key, calm)).key).toBe(key);
  expect(await t.readText(key)).toBe(content);
  if (t.store.can("put")) {
    await t.store.put({ key, body: toBytes("second") }, calm);
    expect(await t.sortedKeys()).toEqual([key, "neighbour"].sort());
    expect(await t.readText(key)).toBe("second");
  }
  if (t.store.can("delete")) {
    await t.store.delete(key, calm);
    expect(await t.sortedKeys()).toEqual(["neighbour"]);
  }
}

async function refuses(t: CaseContext, key: string): Promise<void> {
  await t.seed("a/b", "b", "lead");
  expect(await t.outcome(t.store.stat(key, calm))).toBe("invalid_input");
  expect(await t.outcome(t.store.read(key, {}, calm))).toBe("invalid_input");
  if (t.store.can("put")) {
    expect(await t.outcome(t.store.put({ key, body: toBytes("x") }, calm))).toBe("invalid_input");
  }
  if (t.store.can("delete"))
    expect(await t.outcome(t.store.delete(key, calm))).toBe("invalid_input");
  expect(await t.sortedKeys()).toEqual(["a/b", "b", "lead"]);
}
