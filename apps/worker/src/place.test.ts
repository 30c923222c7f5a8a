import { expect, it } from "vitest";
import { placeOf } from "./place.ts";

it("names the bucket and the folder below it", () => {
  expect(placeOf("s3://cats", null)).toBe("s3://cats");
  expect(placeOf("s3://cats", "")).toBe("s3://cats");
  expect(placeOf("s3://cats", "img/")).toBe("s3://cats/img");
  expect(placeOf("s3://cats/", "/img/big")).toBe("s3://cats/img/big");
  expect(placeOf("/data/files/img", "img")).toBe("/data/files/img");
});
