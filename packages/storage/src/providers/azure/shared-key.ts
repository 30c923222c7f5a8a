import { createHmac, createSecretKey } from "node:crypto";
import type * as Sdk from "@azure/storage-blob";
import type { Secret } from "@bucketbridge/core";

/**
 * The SDK's credential of an account's key (Base64). It signs with one key object that is kept: the SDK makes one for each signature,
 * which takes as long as all the rest of it.
 */
export function makeSharedKeyCredential(
  sdk: typeof Sdk,
  accountName: string,
  accountKey: Secret,
): Sdk.StorageSharedKeyCredential {
  const credential = new sdk.StorageSharedKeyCredential(accountName, accountKey.reveal());
  const key = createSecretKey(accountKey.reveal(), "base64");
  credential.computeHMACSHA256 = (text) =>
    createHmac("sha256", key).update(text, "utf8").digest("base64");
  return credential;
}
