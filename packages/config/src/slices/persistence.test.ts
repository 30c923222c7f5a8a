import { expect, test } from "vitest";
import { loadConfig, type Environment } from "../load-config.ts";
import { persistenceSlice, resolvePersistence, type PersistenceSettings } from "./persistence.ts";

function read(env: Environment): PersistenceSettings {
  const { persistence } = loadConfig({ persistence: persistenceSlice }, env);
  return resolvePersistence(persistence, "/srv");
}

test("files lie on the local disk below the data directory unless somebody says otherwise", () => {
  expect(read({})).toEqual({ type: "local", prefix: "", folder: "/srv/.bucketbridge/files" });
  expect(read({ BUCKETBRIDGE_DATA_DIR: "/data" })).toMatchObject({ folder: "/data/files" });
  expect(read({ BUCKETBRIDGE_PERSISTENCE_FOLDER: "/mnt/shared" })).toMatchObject({
    folder: "/mnt/shared",
  });
});

test("a bucket with keys of its own, and one by the identity of the platform", () => {
  const place = { BUCKETBRIDGE_PERSISTENCE_TYPE: "s3", BUCKETBRIDGE_PERSISTENCE_BUCKET: "files" };
  expect(read(place)).toMatchObject({ type: "s3", bucket: "files", keys: undefined });
  const withKeys = read({
    ...place,
    BUCKETBRIDGE_PERSISTENCE_ACCESS_KEY_ID: "AKIA",
    BUCKETBRIDGE_PERSISTENCE_SECRET_ACCESS_KEY: "hush",
  });
  expect(withKeys).toMatchObject({ keys: { accessKeyId: "AKIA" } });
  expect(JSON.stringify(withKeys)).not.toContain("hush");
});

test.each([
  [{ BUCKETBRIDGE_PERSISTENCE_TYPE: "ftp" }, "must be one of local, s3, gcs, azure"],
  [{ BUCKETBRIDGE_PERSISTENCE_TYPE: "gcs" }, "BUCKETBRIDGE_PERSISTENCE_BUCKET must be set"],
  [
    { BUCKETBRIDGE_PERSISTENCE_TYPE: "azure", BUCKETBRIDGE_PERSISTENCE_BUCKET: "files" },
    "BUCKETBRIDGE_PERSISTENCE_ACCOUNT_NAME must be set",
  ],
  [
    { BUCKETBRIDGE_PERSISTENCE_SECRET_ACCESS_KEY: "hush" },
    "BUCKETBRIDGE_PERSISTENCE_ACCESS_KEY_ID must be set",
  ],
])("what cannot work is refused at the start: %j", (env, sentence) => {
  expect(() => read(env)).toThrow(sentence);
  expect(() => read(env)).not.toThrow("hush");
});
