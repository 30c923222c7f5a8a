import { expect } from "vitest";
import type { PresignOptions } from "../../driver.ts";
import { calm, toBytes, type ConformanceCase } from "../case.ts";

const group = "presign";
const GET: PresignOptions = { method: "GET", ttlSeconds: 60 };
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** What signed URLs must do. A driver that cannot sign has to say `unsupported`. */
export const PRESIGN_CASES: readonly ConformanceCase[] = [
  {
    group,
    name: "signs a URL that reads without credentials, or refuses",
    run: async (t) => {
      await t.seed("dir/x");
      if (!t.store.can("presignRead")) {
        expect(await t.outcome(t.store.presignRead("dir/x", GET, calm))).toBe("unsupported");
        return;
      }
      const answer = await t.fetch(await t.store.presignRead("dir/x", GET, calm));
      expect([answer.status, text(answer.body)]).toEqual([200, "body of dir/x"]);
    },
  },
  {
    group,
    name: "signs a URL for HEAD",
    run: async (t) => {
      if (!t.store.can("presignRead")) return;
      await t.seed("x");
      const answer = await t.fetch(
        await t.store.presignRead("x", { ...GET, method: "HEAD" }, calm),
        "HEAD",
      );
      expect([answer.status, answer.body.byteLength]).toEqual([200, 0]);
    },
  },
  {
    group,
    name: "signs keys with special characters",
    run: async (t) => {
      if (!t.store.can("presignRead")) return;
      for (const key of ["a b+c%20d/é&'()!*~", "汉字/\u{1F389}?#x=1;y@z"]) {
        await t.harness.seed(key, toBytes(key));
        const answer = await t.fetch(await t.store.presignRead(key, GET, calm));
        expect([answer.status, text(answer.body)]).toEqual([200, key]);
      }
    },
  },
  {
    group,
    name: "answers with the content type and the disposition that were signed",
    run: async (t) => {
      if (!t.store.can("presignRead")) return;
      await t.seed("x");
      const disposition = 'attachment; filename="x.png"';
      const url = await t.store.presignRead(
        "x",
        { ...GET, contentType: "image/png", disposition },
        calm,
      );
      const { status, headers } = await t.fetch(url);
      expect(status).toBe(200);
      expect(headers).toMatchObject({
        "content-type": "image/png",
        "content-disposition": disposition,
      });
    },
  },
  {
    group,
    name: "gives the same URL within a time window",
    run: async (t) => {
      if (!t.store.can("presignRead")) return;
      // A day: two calls in a row fall on either side of a boundary about never.
      const options = { ...GET, ttlSeconds: 3 * 86_400, windowSeconds: 86_400 };
      const first = await t.store.presignRead("x", options, calm);
      const second = await t.store.presignRead("x", options, calm);
      expect(second.href).toBe(first.href);
    },
  },
  {
    group,
    name: "signs for one key only",
    gap: "presign.signature",
    run: async (t) => {
      if (!t.store.can("presignRead")) return;
      await t.seed("mine", "other");
      const url = await t.store.presignRead("mine", GET, calm);
      const altered = new URL(url.href.replace("mine", "other"));
      expect(altered.href).not.toBe(url.href);
      expect((await t.fetch(altered)).status).toBeGreaterThanOrEqual(400);
    },
  },
  {
    group,
    name: "signs for a limited time",
    gap: "presign.expiry",
    run: async (t) => {
      if (!t.store.can("presignRead")) return;
      await t.seed("x");
      const url = await t.store.presignRead("x", { ...GET, ttlSeconds: 1 }, calm);
      const status = async (): Promise<number> => (await t.fetch(url)).status;
      await expect.poll(status, { timeout: 5_000, interval: 100 }).toBeGreaterThanOrEqual(400);
    },
  },
];
