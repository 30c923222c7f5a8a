import { compareKeys, utf8Length } from "@bucketbridge/core";
import { expect } from "vitest";
import { collectBody } from "../../body.ts";
import { calm, toBytes, type ConformanceCase } from "../case.ts";

const group = "traits";

/** Each trait in both directions: what is declared works, what is not declared is `unsupported`, never ignored. */
export const TRAIT_CASES: readonly ConformanceCase[] = [
  {
    group,
    name: "reads a part, or refuses (rangeRead)",
    run: async (t) => {
      await t.harness.seed("x", toBytes("0123456789"));
      const part = t.store.read("x", { range: { offset: 4, length: 2 } }, calm);
      if (t.driver.traits.rangeRead)
        expect(await collectBody((await part).body)).toEqual(Buffer.from("45"));
      else expect(await t.outcome(part)).toBe("unsupported");
    },
  },
  {
    group,
    name: "starts after a key in the store itself, if it says so (listAfter)",
    run: async (t) => {
      await t.seed("a", "b", "c", "d");
      if (!t.driver.traits.listAfter) return;
      const page = await t.driver.listPage(
        { prefix: "", recursive: true, after: "b", limit: 10 },
        calm,
      );
      expect([...page.keys].sort()).toEqual(["c", "d"]);
    },
  },
  {
    group,
    name: "reads one version only, or refuses (etag)",
    gap: "read.condition",
    run: async (t) => {
      await t.seed("x");
      const { etag } = await t.store.stat("x", calm);
      if (t.driver.traits.etag === "none") {
        expect(etag).toBeUndefined();
        expect(await t.outcome(t.store.read("x", { ifEtag: "any" }, calm))).toBe("unsupported");
        return;
      }
      expect(etag).toMatch(/^[^"]+$/);
      expect(await t.readText("x", { ifEtag: etag })).toBe("body of x");
      await t.harness.seed("x", toBytes("another content"));
      expect(await t.outcome(t.store.read("x", { ifEtag: etag }, calm))).toBe(
        "precondition_failed",
      );
    },
  },
  {
    group,
    name: "gives equal bytes equal etags, or each write its own (etag)",
    run: async (t) => {
      const { etag } = t.driver.traits;
      if (etag === "none") return;
      const etags: (string | undefined)[] = [];
      for (const body of ["one", "one", "two"]) {
        await t.harness.seed("x", toBytes(body));
        etags.push((await t.store.stat("x", calm)).etag);
      }
      const [first, same, other] = etags;
      expect(other).not.toBe(same);
      if (etag === "content") expect(same).toBe(first);
      else expect(same).not.toBe(first);
    },
  },
  {
    group,
    name: "ascends by UTF-8 bytes, if it says so (order)",
    run: async (t) => {
      if (t.driver.traits.order !== "key") return;
      const keys = ["\u{1F600}", "\uFF5E", "z", "Z", "ü", "a-b", "a/b", "a.b"];
      await t.seed(...keys);
      const { keys: listed } = await t.list();
      expect(listed).toEqual([...keys].sort(compareKeys));
    },
  },
  {
    group,
    name: "takes keys up to the length it declares and refuses longer ones (maxKeyBytes)",
    run: async (t) => {
      const { maxKeyBytes } = t.driver.traits;
      const longest = keyOfBytes(maxKeyBytes);
      expect(utf8Length(longest)).toBe(maxKeyBytes);
      await t.harness.seed(longest, toBytes("long"));
      expect((await t.list()).keys).toEqual([longest]);
      expect(await t.readText(longest)).toBe("long");
      expect(await t.outcome(t.store.stat(`${longest}x`, calm))).toBe("invalid_input");
    },
  },
  {
    group,
    name: "never gives more keys than the limit, nor than its own page (pageSize)",
    run: async (t) => {
      await t.seed("a", "b", "c", "d");
      const page = await t.driver.listPage({ prefix: "", recursive: true, limit: 2 }, calm);
      expect(page.keys.length).toBeLessThanOrEqual(2);
      expect(page.cursor).toBeDefined();
      expect(t.driver.traits.pageSize).toBeGreaterThanOrEqual(1);
    },
  },
];

/** A key of exactly this many bytes in segments that every file system takes, with multi-byte characters. */
function keyOfBytes(bytes: number): string {
  let key = "";
  while (utf8Length(key) < bytes - 101) key += `${"é".repeat(45)}${"s".repeat(9)}/`;
  return key + "k".repeat(bytes - utf8Length(key));
}
