import { expect } from "vitest";
import { calm, toBytes, type CaseContext, type ConformanceCase } from "../case.ts";

const group = "write";

/** What writing and deleting must do. A driver that cannot has to say `unsupported`. */
export const WRITE_CASES: readonly ConformanceCase[] = [
  {
    group,
    name: "writes, overwrites and reads back, or refuses",
    run: async (t) => {
      if (!t.store.can("put")) {
        expect(await t.outcome(t.store.put({ key: "w", body: toBytes("1") }, calm))).toBe(
          "unsupported",
        );
        return;
      }
      await t.store.put({ key: "dir/sub/w", body: toBytes("1") }, calm);
      expect(await t.readText("dir/sub/w")).toBe("1");
      await t.store.put({ key: "dir/sub/w", body: toBytes("22") }, calm);
      expect(await t.readText("dir/sub/w")).toBe("22");
      expect((await t.store.stat("dir/sub/w", calm)).size).toBe(2);
      expect((await t.list()).keys).toEqual(["dir/sub/w"]);
    },
  },
  {
    group,
    name: "writes an empty body",
    run: async (t) => {
      if (!t.store.can("put")) return;
      await t.store.put({ key: "empty", body: new Uint8Array() }, calm);
      expect((await t.store.stat("empty", calm)).size).toBe(0);
    },
  },
  {
    group,
    name: "writes bytes as they are",
    run: async (t) => {
      if (!t.store.can("put")) return;
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      await t.store.put({ key: "bytes", body: bytes, contentType: "text/plain" }, calm);
      const { body } = await t.store.read("bytes", {}, calm);
      const chunks: number[] = [];
      for await (const chunk of body) chunks.push(...chunk);
      expect(chunks).toEqual([...bytes]);
    },
  },
  {
    group,
    name: "tells what it wrote as stat does",
    run: async (t) => {
      if (!t.store.can("put")) return;
      const request = { key: "dir/told", body: toBytes("12345"), contentType: "application/json" };
      const written = await t.store.put(request, calm);
      const info = await t.store.stat("dir/told", calm);
      expect(written).toMatchObject({ key: "dir/told", size: 5 });
      if (written.etag !== undefined) expect(written.etag).toBe(info.etag);
      if (info.contentType !== undefined) expect(info.contentType).toBe("application/json");
    },
  },
  {
    group,
    name: "deletes, and deletes what is gone, or refuses",
    run: async (t) => {
      await t.seed("d", "dir/e", "dir2", "keep");
      if (!t.store.can("delete")) {
        expect(await t.outcome(t.store.delete("d", calm))).toBe("unsupported");
        expect(await t.sortedKeys()).toEqual(["d", "dir/e", "dir2", "keep"]);
        return;
      }
      await t.store.delete("d", calm);
      await t.store.delete("d", calm);
      expect(await t.sortedKeys()).toEqual(["dir/e", "dir2", "keep"]);
      await t.store.delete("dir/e", calm);
      await t.store.delete("no/such/folder/x", calm);
      expect(await t.outcome(t.store.stat("d", calm))).toBe("not_found");
      expect(await t.sortedKeys()).toEqual(["dir2", "keep"]);
    },
  },
  {
    group,
    name: "lets one of two writers win an absent key, or refuses the condition",
    run: async (t) => {
      if (!t.store.can("put")) return;
      const attempt = (value: string): Promise<string> =>
        t.outcome(
          t.store.put({ key: "once", body: toBytes(value), condition: { kind: "absent" } }, calm),
        );
      const outcomes = await Promise.all(["1", "22", "333", "4444"].map(attempt));
      if (!t.driver.traits.putConditions.includes("absent")) {
        expect(new Set(outcomes)).toEqual(new Set(["unsupported"]));
        expect((await t.list()).keys).toEqual([]);
        return;
      }
      expect(outcomes.filter((outcome) => outcome === "resolved")).toHaveLength(1);
      for (const outcome of outcomes)
        expect(outcome).toMatch(/^(resolved|already_exists|conflict)$/);
      const winner = ["1", "22", "333", "4444"][outcomes.indexOf("resolved")];
      expect(await attempt("late")).toBe("already_exists");
      expect(await t.readText("once")).toBe(winner);
    },
  },
  {
    group,
    name: "refuses a writer with a stale etag, or refuses the condition",
    run: async (t) => {
      if (!t.store.can("put")) return;
      await t.store.put({ key: "rev", body: toBytes("1") }, calm);
      const { etag = "none" } = await t.store.stat("rev", calm);
      const attempt = (value: string): Promise<string> =>
        t.outcome(
          t.store.put(
            { key: "rev", body: toBytes(value), condition: { kind: "etag", etag } },
            calm,
          ),
        );
      if (!t.driver.traits.putConditions.includes("etag")) {
        expect(await attempt("22")).toBe("unsupported");
        expect(await t.readText("rev")).toBe("1");
        return;
      }
      expect(await attempt("22")).toBe("resolved");
      expect(await attempt("333")).toBe("precondition_failed");
      expect(await t.readText("rev")).toBe("22");
    },
  },
  {
    group,
    name: "shows nothing of a put that was canceled before it began",
    run: async (t) => {
      if (!t.store.can("put")) return;
      const gone = { signal: AbortSignal.abort() };
      expect(await t.outcome(t.store.put({ key: "never", body: toBytes("x") }, gone))).toBe(
        "canceled",
      );
      expect((await t.list()).keys).toEqual([]);
    },
  },
  {
    group,
    name: "shows all or nothing of a put that is canceled on its way",
    run: async (t) => {
      if (!t.store.can("put")) return;
      await t.seed("half");
      const before = await t.readText("half");
      await putAndCancel(t, new Uint8Array(4 * 1024 * 1024));
      const { size } = await t.store.stat("half", calm);
      expect([before.length, 4 * 1024 * 1024]).toContain(size);
      expect((await t.list()).keys).toEqual(["half"]);
    },
  },
];

async function putAndCancel(t: CaseContext, body: Uint8Array): Promise<void> {
  const controller = new AbortController();
  const put = t.outcome(t.store.put({ key: "half", body }, { signal: controller.signal }));
  await new Promise((resolve) => setImmediate(resolve));
  controller.abort();
  expect(await put).toMatch(/^(canceled|resolved)$/);
}
