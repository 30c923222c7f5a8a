import { expect, it } from "vitest";
import { ExportScene } from "../testing/export-scene.ts";
import { defined, useTestDatabase } from "../testing/test-database.ts";

const test = useTestDatabase("claim_options");
const READ_ALL = { readUpToBytes: 1_000_000, keyOf: () => "folder/1" };

it("a claim reads what is newest and writes the key down that its put will have", async () => {
  const scene = await ExportScene.make(test);
  const { annotation } = await scene.save();
  await scene.save(annotation.id);
  const { deliveries } = scene.stores;
  const claim = defined(await deliveries.claim(scene.key, "worker", 10, READ_ALL));
  expect(claim.subjects?.get(annotation.id)).toMatchObject({ annotation: { revision: 2 } });
  expect(claim.deliveries).toMatchObject([{ subjectId: annotation.id, objectKey: null }]);
  expect(await scene.delivery()).toMatchObject({ object_key: "folder/1", attempts: 1 });
  // Known by now: nothing is written a second time, and the lease is as it was.
  await deliveries.release(scene.key, claim.deliveries);
  const again = defined(await deliveries.claim(scene.key, "worker", 10, READ_ALL));
  expect(again.deliveries).toMatchObject([{ objectKey: "folder/1" }]);
});

it("a claim that is larger than asked for, or has no keys, is not read", async () => {
  const scene = await ExportScene.make(test);
  await scene.save();
  const { deliveries } = scene.stores;
  const claim = defined(
    await deliveries.claim(scene.key, "worker", 10, { ...READ_ALL, readUpToBytes: 1 }),
  );
  expect(claim.deliveries).toHaveLength(1);
  expect(claim.subjects).toBeUndefined();
  expect(await scene.delivery()).toMatchObject({ object_key: null });
});

it("a claim of what is gone has nothing to write down", async () => {
  const scene = await ExportScene.make(test, { canDeleteObjects: true });
  const { annotation } = await scene.save();
  await scene.pushAll();
  await scene.remove(annotation.id);
  const options = { readUpToBytes: 1_000, keyOf: () => undefined };
  const claim = defined(await scene.stores.deliveries.claim(scene.key, "worker", 10, options));
  expect(claim.subjects?.size).toBe(0);
  expect(claim.deliveries).toMatchObject([{ wantedOp: "delete" }]);
});

it("a claim that wants a closed breaker takes nothing while it is open", async () => {
  const scene = await ExportScene.make(test);
  await scene.save();
  const { deliveries, breaker } = scene.stores;
  const { target, deliveries: claimed } = await scene.claim();
  await deliveries.release(scene.key, claimed);
  await breaker.onOutage(target, { code: "unavailable", message: "away", retryAfterSeconds: 0 });
  const options = { onlyWhenClosed: true };
  const held = defined(await deliveries.claim(scene.key, "worker", 10, options));
  expect(held).toMatchObject({ isHeldBack: true, deliveries: [] });
  await breaker.onSuccess(target);
  const claim = defined(await deliveries.claim(scene.key, "worker", 10, options));
  expect(claim).toMatchObject({ isHeldBack: false });
  expect(claim.deliveries).toHaveLength(1);
});
