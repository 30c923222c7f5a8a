import { expect } from "vitest";
import { collectBody } from "../../body.ts";
import { calm, toBytes, type CaseContext, type ConformanceCase } from "../case.ts";

const group = "read";
const MIB = 1024 * 1024;

/** A body that no compression or repetition can fake. */
function patternBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 0x2545f491;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

/** What reading must do. */
export const READ_CASES: readonly ConformanceCase[] = [
  {
    group,
    name: "returns the bytes and the size",
    run: async (t) => {
      const bytes = patternBytes(70_001);
      await t.harness.seed("dir/x", bytes);
      const { info, body } = await t.store.read("dir/x", {}, calm);
      expect(info).toMatchObject({ key: "dir/x", size: bytes.byteLength });
      expect(Buffer.compare(await collectBody(body), bytes)).toBe(0);
    },
  },
  {
    group,
    name: "reads an empty object as no bytes",
    run: async (t) => {
      await t.harness.seed("empty", new Uint8Array());
      const { info, body } = await t.store.read("empty", {}, calm);
      expect(info.size).toBe(0);
      expect((await collectBody(body)).byteLength).toBe(0);
    },
  },
  {
    group,
    name: "streams 16 MiB in pieces",
    run: async (t) => {
      await t.harness.seed("large", patternBytes(16 * MIB));
      const { info, body } = await t.store.read("large", {}, calm);
      let bytes = 0;
      let largest = 0;
      for await (const chunk of body) {
        bytes += chunk.byteLength;
        largest = Math.max(largest, chunk.byteLength);
      }
      expect([info.size, bytes]).toEqual([16 * MIB, 16 * MIB]);
      expect(largest, "largest chunk").toBeLessThanOrEqual(4 * MIB);
    },
  },
  {
    group,
    name: "reads first, last and middle bytes, and cuts a range at the end",
    run: async (t) => {
      await t.harness.seed("x", toBytes("0123456789"));
      if (!t.driver.traits.rangeRead) return;
      expect(await t.readText("x", { range: { offset: 0, length: 1 } })).toBe("0");
      expect(await t.readText("x", { range: { offset: 9, length: 1 } })).toBe("9");
      expect(await t.readText("x", { range: { offset: 3, length: 4 } })).toBe("3456");
      expect(await t.readText("x", { range: { offset: 7 } })).toBe("789");
      expect(await t.readText("x", { range: { offset: 8, length: 100 } })).toBe("89");
      expect(await t.readText("x", { range: { offset: 0 } })).toBe("0123456789");
    },
  },
  {
    group,
    name: "gives the size of the whole object with a range",
    run: async (t) => {
      await t.harness.seed("x", toBytes("0123456789"));
      if (!t.driver.traits.rangeRead) return;
      const { info, body } = await t.store.read("x", { range: { offset: 2, length: 3 } }, calm);
      expect((await collectBody(body)).byteLength).toBe(3);
      expect(info).toMatchObject({ key: "x", size: 10 });
    },
  },
  {
    group,
    name: "refuses a range that starts behind the end",
    run: async (t) => {
      await t.harness.seed("x", toBytes("0123456789"));
      if (!t.driver.traits.rangeRead) return;
      for (const range of [
        { offset: 10 },
        { offset: 11, length: 1 },
        { offset: -1 },
        { offset: 0, length: 0 },
      ]) {
        expect(await t.outcome(t.store.read("x", { range }, calm)), JSON.stringify(range)).toBe(
          "invalid_input",
        );
      }
    },
  },
  {
    group,
    name: "rejects a missing key before the first chunk",
    run: async (t) => {
      await t.seed("there");
      expect(await t.outcome(t.store.read("nope", {}, calm))).toBe("not_found");
      expect(await t.outcome(t.store.stat("nope", calm))).toBe("not_found");
      expect(await t.outcome(t.store.stat("ther", calm))).toBe("not_found");
      expect(await t.outcome(t.store.read("there/below", {}, calm))).toBe("not_found");
    },
  },
  {
    group,
    name: "does not take a folder for an object",
    run: async (t) => {
      await t.seed("dir/a");
      expect(await t.outcome(t.store.stat("dir", calm))).toBe("not_found");
      expect(await t.outcome(t.store.read("dir", {}, calm))).toBe("not_found");
    },
  },
  {
    group,
    name: "reads the content that was written last",
    run: async (t) => {
      await t.harness.seed("x", toBytes("first"));
      expect(await t.readText("x")).toBe("first");
      expect((await t.store.stat("x", calm)).size).toBe(5);
      await t.harness.seed("x", toBytes("second, and longer"));
      expect(await t.readText("x")).toBe("second, and longer");
      expect((await t.store.stat("x", calm)).size).toBe(18);
    },
  },
  {
    group,
    name: "releases a body that is given back after its first chunk",
    run: async (t) => {
      await t.harness.seed("large", patternBytes(4 * MIB));
      // More often than any connection pool is wide: a leak would block the later ones.
      for (let turn = 0; turn < 80; turn++) {
        const { body } = await t.store.read("large", {}, calm);
        for await (const chunk of body) {
          expect(chunk.byteLength).toBeGreaterThan(0);
          break;
        }
      }
      await expectNoOpenBodies(t);
    },
  },
  {
    group,
    name: "releases a body that is given back before its first chunk",
    run: async (t) => {
      await t.harness.seed("large", patternBytes(4 * MIB));
      for (let turn = 0; turn < 80; turn++) {
        const { body } = await t.store.read("large", {}, calm);
        await body[Symbol.asyncIterator]().return?.();
      }
      await expectNoOpenBodies(t);
    },
  },
  {
    group,
    name: "releases bodies that were read to the end",
    run: async (t) => {
      await t.harness.seed("x", patternBytes(MIB));
      for (let turn = 0; turn < 5; turn++) await t.readText("x");
      await expectNoOpenBodies(t);
    },
  },
];

/** A store may need a moment to see that the reader is gone. */
async function expectNoOpenBodies(t: CaseContext): Promise<void> {
  if (t.harness.openBodies === undefined) return;
  await expect.poll(() => t.harness.openBodies?.(), { timeout: 2_000, interval: 10 }).toBe(0);
}
