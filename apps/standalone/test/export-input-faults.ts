import { describe, expect, it } from "vitest";
import { withS3Place } from "./s3-place.ts";
import type { System } from "./system.ts";
import { ExportScene } from "./target-scene.ts";

const MEBIBYTE = 1024 * 1024;

/** Values that JSON or PostgreSQL cannot hold, and the path that the answer names. */
const BAD_VALUES: readonly (readonly [value: string, body: string, says: RegExp])[] = [
  ["NaN", '{"result":[{"value":{"x":NaN}}]}', /result\[0\]\.value\.x/],
  ["Infinity", '{"result":[{"score":-Infinity}]}', /result\[0\]\.score/],
  [
    "U+0000",
    String.raw`{"result":[{"text":["a\u0000b"]}]}`,
    /result\[0\]\.text\[0\].*Null characters/,
  ],
  ["half of a surrogate pair", String.raw`{"result":[{"text":"\ud800"}]}`, /result\[0\]\.text/],
];

/** Bodies that cannot be taken, and one that can. */
export function describeExportInput(getSystem: () => System): void {
  describe.concurrent("a body of an annotation", () => {
    it.each(BAD_VALUES)(
      "with %s: is refused with the path of the value, and nothing is exported",
      (_, body, says) =>
        withS3Place(async (place) => {
          place.fake.createBucket({ name: "out" });
          const { client } = getSystem();
          const scene = await ExportScene.create(client, 1);
          const target = await scene.addTarget(place);
          const url = `/api/tasks/${String(scene.tasks[0])}/annotations/`;
          const refused = await client.call("POST", url, body);
          expect(refused.status, refused.text).toBe(400);
          expect(refused.body).toMatchObject({ status_code: 400 });
          expect(refused.text).toMatch(says);
          expect(await target.deliveries()).toEqual([]);
          const [id = 0] = await scene.annotateAll();
          const changed = await client.call("PATCH", `/api/annotations/${String(id)}/`, body);
          expect([changed.status, says.test(changed.text)]).toEqual([400, true]);
          await target.rest();
          expect(target.bucket()).toEqual({ [String(id)]: "first" });
        }),
    );

    it("of 50 MB is exported whole; one beyond the limit is 413 in the envelope", () =>
      withS3Place(async (place) => {
        place.fake.createBucket({ name: "out" });
        const { client } = getSystem();
        const scene = await ExportScene.create(client, 1);
        const target = await scene.addTarget(place);
        const url = `/api/tasks/${String(scene.tasks[0])}/annotations/`;
        const region = {
          note: "large",
          points: Array.from({ length: 2_000 }, () => Math.random()),
        };
        const count = Math.ceil((50 * MEBIBYTE) / JSON.stringify(region).length);
        const result = Array.from({ length: count }, (_, id) => ({ ...region, id }));
        const saved = await client.call("POST", url, { result });
        expect(saved.status).toBe(201);
        await target.rest();
        const body = place.fake.readObject("out", String(saved.body["id"]));
        expect(body?.byteLength).toBeGreaterThan(50 * MEBIBYTE);
        expect((JSON.parse(String(body)) as { result: unknown }).result).toEqual(result);

        const tooLarge = `{"result":[{"note":"${"x".repeat(64 * MEBIBYTE)}"}]}`;
        const refused = await client.call("POST", url, tooLarge);
        expect(refused.status).toBe(413);
        expect(refused.body).toMatchObject({
          status_code: 413,
          detail: "Request body exceeded the configured limit.",
        });
        await scene.change(Number(saved.body["id"]), "small");
        await target.rest();
        expect(target.bucket()).toEqual({ [String(saved.body["id"])]: "small" });
      }));
  });
}
