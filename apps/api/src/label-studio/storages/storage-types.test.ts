import { expect, test } from "vitest";
import { explainAbsence, listOfferedShapes } from "./storage-types.ts";

const ALL = { offered: "all", gcsImpersonation: true, localFiles: true } as const;
const namesOf = (policy: Parameters<typeof listOfferedShapes>[0]): readonly string[] =>
  listOfferedShapes(policy).map(({ name }) => name);

test("all types are offered, the community's first", () => {
  expect(namesOf(ALL)).toHaveLength(10);
  const community = ["s3", "gcs", "azure", "redis", "localfiles"];
  expect(namesOf(ALL).slice(0, 5)).toEqual(community);
  expect(namesOf({ ...ALL, offered: "community" })).toEqual(community);
});

test("local files and impersonation are taken out by their switches, and the 404 says so", () => {
  expect(namesOf({ ...ALL, localFiles: false })).not.toContain("localfiles");
  expect(namesOf({ ...ALL, gcsImpersonation: false })).not.toContain("gcs_sa");
  expect(explainAbsence("localfiles", { ...ALL, localFiles: false })).toContain(
    "ENABLE_LOCAL_FILES_STORAGE=true",
  );
  expect(explainAbsence("localfiles", ALL)).toBeUndefined();
  expect(explainAbsence("s3", ALL)).toBeUndefined();
});
