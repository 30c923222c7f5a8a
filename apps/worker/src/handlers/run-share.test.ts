import { expect, it } from "vitest";
import { RunShare } from "./run-share.ts";

it("is full at two jobs of a run, and free again when one ends, however it ends", async () => {
  const share = new RunShare();
  const [first, second] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  const works = [first, second].map(({ promise }) => share.during(17, () => promise));
  expect(share.isFull(17)).toBe(true);
  expect(share.isFull(18)).toBe(false);
  first.reject(new RangeError("down"));
  await expect(works[0]).rejects.toThrow("down");
  expect(share.isFull(17)).toBe(false);
  second.resolve(undefined);
  await works[1];
  expect(share.isFull(17)).toBe(false);
});
