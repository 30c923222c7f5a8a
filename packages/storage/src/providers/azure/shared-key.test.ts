import * as sdk from "@azure/storage-blob";
import { Secret } from "@bucketbridge/core";
import { expect, test } from "vitest";
import { makeSharedKeyCredential } from "./shared-key.ts";

test.each(["", "GET\n/account/container/ü", "\n\n"])("signs %j as the SDK does", (text) => {
  const key = Buffer.from("the account's key: ü").toString("base64");
  const theirs = new sdk.StorageSharedKeyCredential("account", key);
  const ours = makeSharedKeyCredential(sdk, "account", new Secret(key));
  expect(ours.computeHMACSHA256(text)).toBe(theirs.computeHMACSHA256(text));
});
