import { waitFor } from "@bucketbridge/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json } from "./client.ts";
import { CONTENT_FAULTS, type Content, type ContentFault } from "./content-faults.ts";
import { bucketPlace, folderPlace, type ContentPlace } from "./content-place.ts";
import { openS3Place, withS3Place, type S3Place } from "./s3-place.ts";
import { createScene, expectOk, type Scene } from "./scene.ts";
import type { System } from "./system.ts";

function write(place: ContentPlace, content: Content): void {
  for (const [key, body] of content) {
    if (body === undefined) place.remove(key);
    else place.put(key, body);
  }
}

async function expectIssues(scene: Scene, row: ContentFault, storage: Json): Promise<void> {
  const issues = await scene.issues();
  expect(issues.map(({ code }) => code)).toEqual(row.issues.map(({ code }) => code));
  for (const [index, expected] of row.issues.entries()) {
    const { key, rowIndex, byteOffset, message } = issues[index] ?? {};
    expect(key).toMatch(expected.key);
    expect(rowIndex).toBe(expected.rowIndex);
    if (expected.byteOffset !== undefined) expect(byteOffset).toBe(expected.byteOffset);
    expect(message).toMatch(expected.says);
  }
  if (row.status === "failed") {
    expect((await scene.run())["error"]).toEqual({
      ...{ code: "corrupt_data", reason: row.issues[0]?.code, message: storage["traceback"] },
    });
  } else if (row.status === "completed_with_errors") {
    // One line for each issue, which names the key.
    const lines = String(storage["traceback"]).split("\n");
    expect(lines).toHaveLength(row.issues.length);
    expect(storage["meta"]).toMatchObject({ tasks_failed_validation: row.issues.length });
    expect(lines[0]).toContain(String(issues[0]?.["key"]));
  }
}

/** Content that is not what it should be. */
export function describeContentFaults(getSystem: () => System): void {
  describe.concurrent("content that cannot be taken", () => {
    let s3: S3Place;
    let places = 0;
    beforeAll(async () => {
      s3 = await openS3Place();
    });
    afterAll(() => s3.close());

    function openPlace({ place }: ContentFault): ContentPlace {
      const name = `place-${String(++places)}`;
      return place === "s3" ? bucketPlace(s3, name) : folderPlace(getSystem().documentRoot, name);
    }

    it.each(CONTENT_FAULTS)("$fault: is told, and heals without loss or doubles", async (row) => {
      const { client } = getSystem();
      const place = openPlace(row);
      write(place, row.content);
      const fields = { use_blob_urls: row.method === "files" };
      const scene = await createScene(client, place.type, place.payload(fields));
      const storage = await scene.sync();
      expect([storage["status"], storage["traceback"]]).toEqual([
        row.status,
        row.issues.length === 0 ? null : (expect.any(String) as string),
      ]);
      await expectIssues(scene, row, storage);
      expect(await scene.tasks()).toEqual(row.tasks);

      if ("patch" in row.mended) expectOk(await client.call("PATCH", scene.url, row.mended.patch));
      else write(place, row.mended);
      const healed = await scene[row.by]();
      expect([healed["status"], healed["traceback"]]).toEqual(["completed", null]);
      expect(await scene.issues()).toEqual([]);
      expect(await scene.tasks()).toEqual(row.after);

      // Once more brings nothing.
      expect(await scene.sync()).toMatchObject({ status: "completed", last_sync_count: 0 });
      expect(await scene.tasks()).toEqual(row.after);
    });
  });
}

const rows = (version: string, count: number): string =>
  Array.from({ length: count }, (_, n) =>
    JSON.stringify({
      data: { name: `${version}-${String(n).padStart(5, "0")}`, text: "x".repeat(200) },
    }),
  ).join("\n");
const names = (version: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `${version}-${String(n).padStart(5, "0")}`);

/** Content that is not the same for long. */
export function describeChangingContent(getSystem: () => System): void {
  describe.concurrent("content that changes under the run", () => {
    it("an object that changes while it is loaded: its rows are those of the new version", () =>
      withS3Place(async (place) => {
        const { client } = getSystem();
        const old = rows("old", 3_000);
        const bucket = bucketPlace(place, "cats");
        bucket.put("rows.jsonl", old);
        place.fake.inject({ kind: "stall", on: "get", afterBytes: Math.round(old.length * 0.8) });
        const scene = await createScene(client, "s3", bucket.payload({ use_blob_urls: false }));
        await scene.begin();
        await waitFor(async () => (await scene.countTasks()) > 0, { timeoutMs: 60_000 });
        const fake = await place.become();
        fake.putObject("cats", "rows.jsonl", rows("new", 700));
        expect(await scene.settle()).toMatchObject({ status: "completed", traceback: null });
        expect(await scene.tasks()).toEqual(names("new", 700));
        expect(await scene.sync()).toMatchObject({ status: "completed", last_sync_count: 0 });
        expect(await scene.tasks()).toEqual(names("new", 700));
      }));

    it("an object that is deleted between listing and loading: is no issue", () =>
      withS3Place(async (place) => {
        const bucket = bucketPlace(place, "cats");
        for (const name of ["a", "b", "c"]) bucket.put(`${name}.jsonl`, rows(name, 1));
        place.fake.setLatency({ get: 800 });
        const { client } = getSystem();
        const scene = await createScene(client, "s3", bucket.payload({ use_blob_urls: false }));
        await scene.begin();
        await waitFor(() => place.fake.counters.get > 0, { timeoutMs: 60_000 });
        bucket.remove("b.jsonl");
        expect(await scene.settle()).toMatchObject({ status: "completed", traceback: null });
        expect(await scene.issues()).toEqual([]);
        expect(await scene.tasks()).toEqual(["a-00000", "c-00000"]);
        bucket.put("b.jsonl", rows("b", 1));
        place.fake.setLatency({});
        expect(await scene.sync()).toMatchObject({ status: "completed", traceback: null });
        expect(await scene.tasks()).toEqual(["a-00000", "b-00000", "c-00000"]);
      }));
  });
}
