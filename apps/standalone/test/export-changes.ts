import { describe, expect, it } from "vitest";
import { withS3Place } from "./s3-place.ts";
import type { System } from "./system.ts";
import { ExportScene } from "./target-scene.ts";

const byId = (ids: readonly number[], note: string): Readonly<Record<string, string>> =>
  Object.fromEntries(ids.map((id) => [String(id), note]));

/** Settings and annotations that change while pushes run. */
export function describeExportChanges(getSystem: () => System): void {
  describe.concurrent("a change while pushes run", () => {
    it("two targets on one prefix: is told, and both keep the newest there", () =>
      withS3Place(async (place) => {
        place.fake.createBucket({ name: "out" });
        const scene = await ExportScene.create(getSystem().client);
        const one = await scene.addTarget(place, { prefix: "both", can_delete_objects: true });
        const body = { project: scene.project, ...place.payload("out", { prefix: "both" }) };
        const answer = await scene.client.call("POST", "/api/storages/export/s3/validate", body);
        expect([answer.status, answer.body["warnings"]]).toMatchObject([
          200,
          [{ code: expect.stringMatching(/same|overlap|shared/) as string }],
        ]);
        const two = await scene.addTarget(place, { prefix: "both" });
        const ids = await scene.annotateAll();
        await Promise.all(ids.map((id) => scene.change(id, "newest")));
        await Promise.all([one.rest(), two.rest()]);
        const keys = ids.map((id) => [`both/${String(id)}`, "newest"]);
        expect(one.bucket()).toEqual(Object.fromEntries(keys));
        await scene.remove(ids[0] ?? 0);
        await Promise.all([one.rest(), two.rest()]);
        expect(one.bucket()).toEqual(Object.fromEntries(keys.slice(1)));
        for (const target of [one, two])
          expect(await target.sync()).toMatchObject({ status: "completed", last_sync_count: 2 });
      }));

    it("an annotation is deleted while its push runs: its object goes", () =>
      withS3Place(async (place) => {
        place.fake.createBucket({ name: "out" });
        const scene = await ExportScene.create(getSystem().client, 1);
        const target = await scene.addTarget(place, { can_delete_objects: true });
        await target.settled();
        place.fake.setLatency({ put: 1_500 });
        const [id = 0] = await scene.annotateAll();
        await target.until("the put to begin", () => place.fake.counters.put > 0);
        await scene.remove(id);
        place.fake.setLatency({});
        await target.rest();
        expect(target.bucket()).toEqual({});
        expect(place.fake.operations.map(({ kind }) => kind)).toEqual(["put", "delete"]);
        expect(await target.deliveries("state=ended")).toEqual([]);
        const [again = 0] = await scene.annotateAll("again");
        await target.rest();
        expect(target.bucket()).toEqual(byId([again], "again"));
      }));

    it("the target moves to another bucket: everything lies at the new place, what lay at the old one stays", () =>
      withS3Place(async (place) => {
        for (const name of ["out", "other"]) place.fake.createBucket({ name });
        const scene = await ExportScene.create(getSystem().client, 4);
        const target = await scene.addTarget(place, { can_delete_objects: true });
        const [gone = 0, ...ids] = await scene.annotateAll();
        await target.rest();
        place.fake.setLatency({ put: 300, delete: 300 });
        await scene.remove(gone);
        await Promise.all(ids.map((id) => scene.change(id, "second")));
        await target.patch({ bucket: "other" });
        await scene.change(ids[0] ?? 0, "third");
        place.fake.setLatency({});
        await target.settled();
        await target.rest();
        const expected = { ...byId(ids, "second"), [String(ids[0])]: "third" };
        expect(target.bucket("other")).toEqual(expected);
        // The delete that was pending when the target moved was finished where its object lay.
        expect(Object.keys(target.bucket("out")).sort()).toEqual(ids.map(String).sort());
        expect(await target.sync()).toMatchObject({ status: "completed", last_sync_count: 3 });
        expect(target.bucket("other")).toEqual(expected);
      }));

    it("can_delete_objects is switched: each deletion does what the target may then", () =>
      withS3Place(async (place) => {
        place.fake.createBucket({ name: "out" });
        const scene = await ExportScene.create(getSystem().client, 4);
        const target = await scene.addTarget(place);
        const [one = 0, two = 0, three = 0, four = 0] = await scene.annotateAll();
        await target.rest();
        await scene.remove(one);
        await target.patch({ can_delete_objects: true });
        await scene.remove(two);
        await target.rest();
        await target.patch({ can_delete_objects: false });
        await scene.remove(three);
        await target.rest();
        expect(target.bucket()).toEqual(byId([one, three, four], "first"));
        expect(await target.sync()).toMatchObject({ status: "completed", last_sync_count: 1 });
        expect(target.bucket()).toEqual(byId([one, three, four], "first"));
      }));

    it("a target is made while annotations are saved: it gets every one of them", () =>
      withS3Place(async (place) => {
        place.fake.createBucket({ name: "out" });
        const scene = await ExportScene.create(getSystem().client, 40);
        const savers = [0, 1, 2, 3].map(async (saver) => {
          const ids: number[] = [];
          for (const task of scene.tasks.filter((_, index) => index % 4 === saver))
            ids.push(await scene.annotate(task, "first"));
          return ids;
        });
        const targets = [
          await scene.addTarget(place),
          await scene.addTarget(place, { prefix: "b" }),
        ];
        const ids = (await Promise.all(savers)).flat().sort((one, other) => one - other);
        for (const target of targets) {
          await target.settled();
          await target.rest();
        }
        const keys = [...ids.map(String), ...ids.map((id) => `b/${String(id)}`)];
        expect(place.fake.listKeys("out")).toHaveLength(keys.length);
        expect([...place.fake.listKeys("out")].sort()).toEqual(keys.sort());
      }));
  });
}
