import { AppError } from "@bucketbridge/core";
import { describe, expect, test } from "vitest";
import { listSettingsFields, loadProvider } from "@bucketbridge/storage/providers";
import { bucketKind } from "../../../test/fixtures/bucket-provider.ts";
import { ApiError } from "../../api-error.ts";
import { FieldReader, type RawFields } from "../fields.ts";
import { emptyDraft, type StorageDraft } from "./draft.ts";
import type { StorageKind } from "./storage-kind.ts";
import { readStorage, readStorageOver, type StoredDraft } from "./storage-request.ts";
import { toEffect } from "./update-effect.ts";

const kind = bucketKind();
const base = emptyDraft(kind);

function read(raw: RawFields): StorageDraft {
  const reader = new FieldReader(raw);
  const draft = readStorage(reader, raw, base, kind);
  reader.finish();
  return draft;
}

function readOver(
  stored: Partial<StoredDraft["draft"]>,
  raw: RawFields,
  unreadable?: AppError,
): StorageDraft {
  const reader = new FieldReader(raw);
  const draft = readStorageOver(reader, raw, { draft: { ...base, ...stored }, unreadable }, kind);
  reader.finish();
  return draft;
}

function complaints(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof ApiError ? error.validationErrors : error;
  }
}

describe("a body", () => {
  test("without fields gives the contract's defaults", () => {
    expect(read({})).toEqual(base);
  });

  test("of a form is coerced field by field", () => {
    const draft = read({
      bucket: " cats ",
      title: "Cats",
      use_blob_urls: "True",
      presign: "0",
      presign_ttl: "15",
      recursive_scan: "1",
      aws_access_key_id: "id",
      aws_secret_access_key: "secret",
    });
    expect(draft).toMatchObject({
      title: "Cats",
      useBlobUrls: true,
      presign: false,
      presignTtl: 15,
      recursiveScan: true,
      settings: { bucket: "cats" },
      secrets: { aws_access_key_id: "id", aws_secret_access_key: "secret" },
    });
    expect(JSON.stringify(draft.settings)).not.toContain("secret");
  });

  test("takes null for every optional field", () => {
    const names = [...kind.fields.map(({ name }) => name), "title", "description", "prefix"];
    const rest = [
      "regex_filter",
      "use_blob_urls",
      "presign",
      "presign_ttl",
      "recursive_scan",
      "synchronizable",
    ];
    expect(read(Object.fromEntries([...names, ...rest].map((name) => [name, null])))).toEqual(base);
  });

  test("takes blanks of a form as not set", () => {
    expect(read({ bucket: "", s3_endpoint: " ", aws_access_key_id: "" })).toEqual(base);
  });

  test("ignores what the server manages and what nobody knows", () => {
    const server = {
      status: "bad",
      meta: null,
      last_sync: 1,
      traceback: "x",
      id: 9,
      type: "gcs",
      zzz: 1,
    };
    expect(read(server)).toEqual(base);
  });

  test.each([
    [{ use_blob_urls: "maybe" }, { use_blob_urls: ["Must be a valid boolean."] }],
    [{ presign_ttl: 1.5 }, { presign_ttl: ["A valid integer is required."] }],
    [
      { presign_ttl: 40_000 },
      { presign_ttl: ["Ensure this value is less than or equal to 32767."] },
    ],
    [{ presign_ttl: -1 }, { presign_ttl: ["Ensure this value is greater than or equal to 0."] }],
    [{ title: "x".repeat(257) }, { title: ["Ensure this field has no more than 256 characters."] }],
    [{ bucket: ["a"] }, { bucket: ["Not a valid string."] }],
    [{ bucket: "has space" }, { bucket: ["Invalid bucket name"] }],
  ])("%j is refused in the contract's words", (raw, expected) => {
    expect(complaints(() => read(raw))).toEqual(expected);
  });

  test("with a regex that cannot run in linear time is refused by its field", () => {
    expect(complaints(() => read({ regex_filter: "(a)\\1" }))).toEqual({
      regex_filter: [expect.stringContaining("regex") as string],
    });
    expect(read({ regex_filter: ".*jpg" }).regexFilter).toBe(".*jpg");
    expect(read({ regex_filter: "" }).regexFilter).toBe("");
  });
});

describe("a body over a stored storage", () => {
  const stored = {
    title: "Cats",
    presign: false,
    settings: { bucket: "cats", region_name: "eu" },
    secrets: { aws_access_key_id: "id", aws_secret_access_key: "secret" },
  };

  test("keeps what it does not name, secrets included", () => {
    expect(readOver(stored, { region_name: "us" })).toMatchObject({
      title: "Cats",
      presign: false,
      settings: { bucket: "cats", region_name: "us" },
      secrets: stored.secrets,
    });
  });

  test("clears a secret with a blank", () => {
    expect(readOver(stored, { aws_secret_access_key: "" }).secrets).toEqual({
      aws_access_key_id: "id",
    });
  });

  test("forgets a session token with the keys that it belonged to", () => {
    const session = { ...stored, secrets: { ...stored.secrets, aws_session_token: "t" } };
    expect(readOver(session, { region_name: "us" }).secrets).toEqual(session.secrets);
    const renewed = { aws_access_key_id: "new", aws_secret_access_key: "new" };
    expect(readOver(session, renewed).secrets).toEqual(renewed);
    const both = { ...renewed, aws_session_token: "n" };
    expect(readOver(session, both).secrets).toEqual(both);
  });

  test("does not send stored secrets to a new host", () => {
    expect(complaints(() => readOver(stored, { s3_endpoint: "https://evil.example" }))).toEqual({
      aws_access_key_id: [expect.stringContaining("s3_endpoint changed") as string],
      aws_secret_access_key: [expect.stringContaining("required again") as string],
    });
  });

  test("takes a new host with the secrets for it", () => {
    const secrets = { aws_access_key_id: "new", aws_secret_access_key: "new" };
    const draft = readOver(stored, { s3_endpoint: "https://other.example", ...secrets });
    expect(draft.secrets).toEqual(secrets);
  });

  test("may change anything else without the secrets, the same host included", () => {
    expect(readOver(stored, { bucket: "dogs", s3_endpoint: "" }).settings).toMatchObject({
      bucket: "dogs",
    });
  });

  test("whose secrets cannot be read lets everything but the connection change", () => {
    const lost = new AppError({
      code: "invalid_config",
      reason: "secret.unreadable",
      message: "enter them again",
    });
    const without = { ...stored, secrets: {} };
    expect(readOver(without, { title: "Dogs" }, lost).title).toBe("Dogs");
    expect(complaints(() => readOver(without, { bucket: "dogs" }, lost))).toEqual({
      non_field_errors: ["enter them again"],
    });
    const again = { aws_access_key_id: "id", aws_secret_access_key: "x" };
    expect(readOver(without, { bucket: "dogs", ...again }, lost).secrets).toEqual(again);
  });
});

describe("the effect of a change", () => {
  const stored: StorageDraft = {
    ...base,
    settings: { bucket: "cats" },
    secrets: { aws_access_key_id: "a" },
  };

  test.each([
    ["a title", { title: "x" }, "none"],
    ["presigning", { presign: false, presignTtl: 9 }, "none"],
    ["nothing but null and blank", { prefix: "", regexFilter: "" }, "none"],
    ["credentials", { secrets: { aws_access_key_id: "b" } }, "restart"],
    ["a region", { settings: { bucket: "cats", region_name: "eu" } }, "restart"],
    ["the filter", { regexFilter: ".*" }, "refilter"],
    ["the prefix", { prefix: "a" }, "refilter"],
    ["the method", { useBlobUrls: true }, "refilter"],
    ["the bucket", { settings: { bucket: "dogs" } }, "move"],
  ] as const)("of %s is told by its field", (_name, change, effect) => {
    const before = { draft: stored, unreadable: undefined };
    expect(toEffect(kind, before, { ...stored, ...change })).toBe(effect);
  });
});

describe("an account that is itself a secret", () => {
  const stored: StorageDraft = {
    ...base,
    settings: { container: "cats" },
    secrets: { account_name: "one", account_key: "a2V5" },
  };
  const lost = new AppError({
    code: "invalid_config",
    reason: "secret.unreadable",
    message: "enter them again",
  });

  async function azureKind(): Promise<StorageKind> {
    const definition = await loadProvider("azure");
    return { ...kind, definition, fields: listSettingsFields(definition.settings) };
  }

  test("is not changed without the key, which would sign for another account", async () => {
    const azure = await azureKind();
    const change = (raw: RawFields) => {
      const reader = new FieldReader(raw);
      const draft = readStorageOver(reader, raw, { draft: stored, unreadable: undefined }, azure);
      reader.finish();
      return draft;
    };
    expect(complaints(() => change({ account_name: "two" }))).toEqual({
      account_key: [expect.stringContaining("account_name changed") as string],
    });
    expect(change({ account_name: "two", account_key: "bmV3" }).secrets["account_name"]).toBe(
      "two",
    );
    expect(change({ account_name: "one", account_key: "bmV3" }).secrets["account_key"]).toBe(
      "bmV3",
    );
  });

  test("is another place when it changes, and the same after a lost key was entered again", async () => {
    const azure = await azureKind();
    const wanted = { ...stored, secrets: { account_name: "two", account_key: "bmV3" } };
    expect(toEffect(azure, { draft: stored, unreadable: undefined }, wanted)).toBe("move");
    const without = { draft: { ...stored, secrets: {} }, unreadable: lost };
    expect(toEffect(azure, without, stored)).toBe("restart");
  });
});
