import { describe, expect, it } from "vitest";
import { mayUseAmbient } from "./provider-deps.ts";

const SEVERAL = { isOnlyOrganization: false, organizationExternalId: "org-a" };

describe("mayUseAmbient", () => {
  it("lets the only organisation use what belongs to the installation", () => {
    expect(mayUseAmbient({}, { ...SEVERAL, isOnlyOrganization: true }, undefined)).toBe(true);
  });

  it.each([
    ["no bucket", ["cats"], undefined, false],
    ["a bucket that is not listed", ["cats"], "dogs", false],
    ["a bucket that is listed for all", ["cats"], "cats", true],
    ["a bucket that is listed for this organisation", ["org-a:cats"], "cats", true],
    ["a bucket that is listed for another organisation", ["org-b:cats"], "cats", false],
    ["nothing listed", undefined, "cats", false],
  ])("among several organisations: %s", (_name, buckets, bucket, expected) => {
    expect(mayUseAmbient({ buckets }, SEVERAL, bucket)).toBe(expected);
  });
});
