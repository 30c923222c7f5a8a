import { isAppError, type AppError } from "@bucketbridge/core";
import type { StorageRecord } from "@bucketbridge/db";
import { checkTargetPrefix, compileUserPattern } from "@bucketbridge/sync";
import type { FieldReader, RawFields } from "../fields.ts";
import { readCommonFields, type StorageDraft } from "./draft.ts";
import { demandSecretsForNewHost, readProviderFields } from "./provider-fields.ts";
import type { StorageKind } from "./storage-kind.ts";

/** What is already saved, with its secrets, or with the reason why they cannot be read. */
export interface StoredDraft {
  readonly draft: StorageDraft;
  readonly unreadable: AppError | undefined;
}

/** A stored storage as the base of a merge. */
export function toStoredDraft(
  storage: StorageRecord,
  openSecrets: (storage: StorageRecord) => { reveal(): Readonly<Record<string, string>> },
): StoredDraft {
  const { title, description, prefix, regexFilter, useBlobUrls, presign, presignTtl } = storage;
  const { recursiveScan, synchronizable, restrictToPrefix, settings } = storage;
  const { canDeleteObjects, subject, keyTemplate, jsonExtension } = storage;
  const texts = { title, description, prefix, regexFilter };
  const flags = { useBlobUrls, presign, presignTtl, recursiveScan, synchronizable };
  const target = { canDeleteObjects, subject, keyTemplate, jsonExtension };
  const draft = { ...texts, ...flags, ...target, restrictToPrefix, settings };
  try {
    const secrets = openSecrets(storage).reveal();
    return { draft: { ...draft, secrets }, unreadable: undefined };
  } catch (error) {
    // A lost key leaves the storage listed and editable: new secrets replace the unreadable ones.
    if (!isAppError(error) || error.reason !== "secret.unreadable") throw error;
    return { draft: { ...draft, secrets: {} }, unreadable: error };
  }
}

/** Reads a whole body over `base`; complaints stay in the reader. */
export function readStorage(
  reader: FieldReader,
  raw: RawFields,
  base: StorageDraft,
  kind: StorageKind,
): StorageDraft {
  const common = readCommonFields(reader, base, kind);
  if (reader.has("regex_filter")) checkPattern(reader, common.regexFilter);
  if (kind.direction === "target" && reader.has("prefix")) checkPrefix(reader, common.prefix);
  return readProviderFields(reader, raw, common, kind);
}

/** The same over a stored one: secrets follow to a new host only when they come with the request. */
export function readStorageOver(
  reader: FieldReader,
  raw: RawFields,
  stored: StoredDraft,
  kind: StorageKind,
): StorageDraft {
  const draft = readStorage(reader, raw, stored.draft, kind);
  demandSecretsForNewHost(reader, kind, stored.draft, draft);
  if (stored.unreadable !== undefined && touchesConnection(raw, kind)) {
    const given = kind.fields.some(({ secret, name }) => secret && reader.has(name));
    if (!given) reader.fail("non_field_errors", stored.unreadable.message);
  }
  return draft;
}

/** True when the request says anything about where the objects are or how to get at them. */
export function touchesConnection(raw: RawFields, { fields }: StorageKind): boolean {
  return raw["prefix"] !== undefined || fields.some(({ name }) => raw[name] !== undefined);
}

function checkPrefix(reader: FieldReader, prefix: string | null): void {
  try {
    checkTargetPrefix(prefix ?? "");
  } catch (error) {
    if (!isAppError(error, "invalid_input")) throw error;
    reader.fail("prefix", error.message);
  }
}

function checkPattern(reader: FieldReader, pattern: string | null): void {
  if (pattern === null || pattern === "") return;
  try {
    compileUserPattern(pattern);
  } catch (error) {
    if (!isAppError(error, "invalid_input")) throw error;
    reader.fail("regex_filter", error.message);
  }
}
