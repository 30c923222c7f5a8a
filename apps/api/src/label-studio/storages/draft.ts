import type { FieldReader } from "../fields.ts";
import type { StorageKind } from "./storage-kind.ts";
import { readTargetFields, type TargetDraft } from "./target-fields.ts";
import { hasField } from "./wire-shapes.ts";

/** A storage as it would be saved: everything that a caller decides, coerced and checked field by field. */
export interface StorageDraft extends TargetDraft {
  readonly title: string | null;
  readonly description: string | null;
  readonly prefix: string | null;
  readonly regexFilter: string | null;
  readonly useBlobUrls: boolean;
  readonly presign: boolean;
  readonly presignTtl: number;
  readonly recursiveScan: boolean;
  readonly synchronizable: boolean;
  /** Of a source, and ours: the prefix bounds what it serves, not only what it imports. */
  readonly restrictToPrefix: boolean;
  /** Provider fields by their wire names, without secrets. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Stored ones and those of the request; never logged, never shown. */
  readonly secrets: Readonly<Record<string, string>>;
}

const MAX_TITLE_CHARS = 256;
/** The contract's field is a PostgreSQL smallint. */
const MAX_PRESIGN_TTL = 32_767;
const DEFAULT_PRESIGN_TTL = 1;

/** A draft without anything that a caller said. */
export function emptyDraft({
  shape,
  direction,
  definition,
}: Pick<StorageKind, "shape" | "direction" | "definition">): StorageDraft {
  return {
    title: null,
    description: null,
    prefix: null,
    regexFilter: null,
    useBlobUrls: false,
    presign: true,
    presignTtl: DEFAULT_PRESIGN_TTL,
    // Only a source is scanned; the column of a target keeps its default.
    recursiveScan: direction === "source" && (shape.recursiveByDefault ?? false),
    synchronizable: true,
    restrictToPrefix: false,
    canDeleteObjects: null,
    subject: "annotation",
    keyTemplate: null,
    jsonExtension: false,
    settings: definition.defaultsOf?.(direction) ?? {},
    secrets: {},
  };
}

/** Takes the fields that most types share over those of `base`; absent ones stay, complaints stay in the reader. */
export function readCommonFields(
  reader: FieldReader,
  base: StorageDraft,
  { shape, direction }: Pick<StorageKind, "shape" | "direction">,
): StorageDraft {
  const has = (field: Parameters<typeof hasField>[2]) => hasField(shape, direction, field);
  const texts = {
    title: reader.text("title", { maxLength: MAX_TITLE_CHARS }),
    description: reader.text("description"),
    regexFilter: reader.text("regex_filter"),
    prefix: has("prefix") ? reader.text("prefix") : undefined,
  };
  const ttl = { min: 0, max: MAX_PRESIGN_TTL };
  const flags = {
    useBlobUrls: reader.boolean("use_blob_urls"),
    synchronizable: reader.boolean("synchronizable"),
    restrictToPrefix: direction === "source" ? reader.boolean("restrict_to_prefix") : undefined,
    presign: has("presign") ? reader.boolean("presign") : undefined,
    recursiveScan: has("recursive_scan") ? reader.boolean("recursive_scan") : undefined,
  };
  const presignTtl = has("presign_ttl") ? reader.integer("presign_ttl", ttl) : undefined;
  return {
    ...base,
    ...(direction === "target" ? readTargetFields(reader, base) : {}),
    ...definedOnly(texts),
    ...definedOnly(flags),
    ...definedOnly({ presignTtl: presignTtl === null ? DEFAULT_PRESIGN_TTL : presignTtl }),
  };
}

type Defined<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> };

function definedOnly<T extends Readonly<Record<string, unknown>>>(values: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as Defined<T>;
}
