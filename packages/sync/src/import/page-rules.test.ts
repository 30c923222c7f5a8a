import { isSortedKeys, MAX_KEY_BYTES, MAX_OBJECT_BYTES } from "@bucketbridge/core";
import { makeProbeKey, type ListPage } from "@bucketbridge/storage";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { preparePage, type PageRules } from "./page-rules.ts";

const RULES: PageRules = {
  accepts: undefined,
  taskFileFailure: undefined,
  maxObjectBytes: MAX_OBJECT_BYTES,
  until: null,
  ordered: true,
};

function aPage(keys: readonly string[], extra: Partial<ListPage> = {}): ListPage {
  return {
    keys,
    sizes: keys.map((_, index) => index + 1),
    etags: keys.map((key) => `e-${key.slice(0, 8)}`),
    modified: keys.map(() => 1_700_000_000_000),
    ...extra,
  };
}

describe("preparePage", () => {
  it("keeps columns together when it sorts and drops repetitions", () => {
    const listed = aPage(["b", "a", "b", "\u{1F389}", "\uFF5E"]);
    const { page } = preparePage(listed, { ...RULES, ordered: false });
    expect(page.keys).toEqual(["a", "b", "\uFF5E", "\u{1F389}"]);
    expect(page.sizes).toEqual([2, 1, 5, 4]);
  });

  it("takes no probe that a check of a connection left", () => {
    const { page, filteredKeys } = preparePage(aPage([makeProbeKey("in/"), "in/x.jpg"]), RULES);
    expect(page.keys).toEqual(["in/x.jpg"]);
    expect(page.skipped).toBe(1);
    expect(filteredKeys).toEqual([]);
  });

  it("drops folder markers and filtered keys, and counts both as skipped", () => {
    const rules = { ...RULES, accepts: (key: string) => key.endsWith(".jpg") };
    const { page, filteredKeys } = preparePage(aPage(["dir/", "x.jpg", "y.txt"]), rules);
    expect(page.keys).toEqual(["x.jpg"]);
    expect(page.skipped).toBe(2);
    expect(filteredKeys).toEqual(["y.txt"]);
  });

  it("refuses a key beyond the limit with its length, and takes one at the limit", () => {
    const atLimit = "ü".repeat(MAX_KEY_BYTES / 2);
    const { page } = preparePage(aPage([atLimit, `${atLimit}x`]), RULES);
    expect(page.keys).toEqual([atLimit]);
    expect(page.refused).toHaveLength(1);
    expect(page.refused[0]).toMatchObject({ code: "key_too_long" });
    expect(page.refused[0]?.message).toContain("2001 bytes");
  });

  it("tells two long keys of the same start apart", () => {
    const start = "k".repeat(2_500);
    const { page } = preparePage(aPage([`${start}1`, `${start}2`]), RULES);
    expect(new Set(page.refused.map((refusal) => refusal.key)).size).toBe(2);
  });

  it("refuses keys that PostgreSQL cannot hold", () => {
    const { page } = preparePage(aPage(["a\u0000b", "c\ud800d", "fine"]), {
      ...RULES,
      ordered: false,
    });
    expect(page.keys).toEqual(["fine"]);
    expect(page.refused.map((refusal) => refusal.code)).toEqual(["key_not_text", "key_not_text"]);
    expect(
      page.refused.every(
        (refusal) => refusal.key.isWellFormed() && !refusal.key.includes("\u0000"),
      ),
    ).toBe(true);
  });

  it("turns file names that are not UTF-8 into refused keys", () => {
    const listed = aPage(["a"], {
      unreadable: [{ name: "b\\xff", code: "key_not_utf8", reason: "the name is not UTF-8" }],
    });
    expect(preparePage(listed, RULES).page.refused).toEqual([
      { key: "b\\xff", code: "key_not_utf8", message: "the name is not UTF-8" },
    ]);
  });

  it("says by the listing alone why an object cannot be loaded", () => {
    const rules = {
      ...RULES,
      taskFileFailure: (key: string) => (key.endsWith(".jpg") ? "no task file" : undefined),
    };
    const { page } = preparePage(
      aPage(["a.json", "b.jpg", "c.json"], { sizes: [1, 1, 6 * 1024 ** 3] }),
      rules,
    );
    expect(page.failures.map((failure) => failure?.code ?? null)).toEqual([
      null,
      "not_a_task_file",
      "object_too_large",
    ]);
  });

  it("ends the unit where its range ends", () => {
    const { page } = preparePage(aPage(["a", "b", "c"], { cursor: "next" }), {
      ...RULES,
      until: "b",
    });
    expect(page.keys).toEqual(["a", "b"]);
    expect(page.endOfUnit).toBe(true);
    expect(page.cursor).toBeNull();
  });

  it("goes on after an empty page that carries a cursor", () => {
    const { page } = preparePage(aPage([], { cursor: "next" }), RULES);
    expect(page).toMatchObject({ keys: [], endOfUnit: false, cursor: "next", lastKey: null });
  });

  it("remembers the last key of the listing, also when the filter dropped it", () => {
    const { page } = preparePage(aPage(["a", "z"]), { ...RULES, accepts: (key) => key === "a" });
    expect(page.lastKey).toBe("z");
  });

  it("gives ascending unique keys for any listing", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme", minLength: 1 })), (keys) => {
        const { page } = preparePage(aPage(keys), { ...RULES, ordered: false });
        expect(isSortedKeys(page.keys)).toBe(true);
        const lengths = [page.sizes, page.etags, page.modified, page.failures].map(
          (column) => column.length,
        );
        expect(new Set([...lengths, page.keys.length]).size).toBe(1);
      }),
    );
  });
});
