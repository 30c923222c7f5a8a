import { expect, test } from "vitest";
import { bucketKind } from "../../../test/fixtures/bucket-provider.ts";
import { toFormLayout } from "./form-layout.ts";

test("lays out what the provider and the type have, required fields first", () => {
  const rows = toFormLayout(bucketKind());
  expect(rows.map(({ fields }) => fields.map((field) => field["name"]))).toEqual([
    ["title", "bucket", "prefix"],
    ["region_name", "aws_secret_access_key"],
    ["regex_filter"],
    ["use_blob_urls"],
    ["recursive_scan", "presign", "presign_ttl"],
  ]);
  for (const { columnCount, fields } of rows) expect(columnCount).toBe(fields.length);
});

test("keeps browsers from filling in or storing a secret", () => {
  const fields = toFormLayout(bucketKind()).flatMap((row) => row.fields);
  expect(fields.find((field) => field["name"] === "aws_secret_access_key")).toMatchObject({
    type: "password",
    autoComplete: "new-password",
    protectedValue: true,
  });
});
