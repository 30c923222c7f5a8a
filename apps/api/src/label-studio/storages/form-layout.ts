import type { FormField } from "@bucketbridge/storage/providers";
import type { StorageKind } from "./storage-kind.ts";
import { hasField } from "./wire-shapes.ts";

interface FormRow {
  readonly columnCount: number;
  readonly fields: readonly Readonly<Record<string, unknown>>[];
}

const FIELDS_PER_ROW = 3;
/** What the contract's own page offers, although its API defaults to 1. */
const SUGGESTED_TTL_MINUTES = 15;

const TITLE = { type: "text", name: "title", label: "Storage Name", required: true };
const PREFIX = { type: "text", name: "prefix", label: "Prefix", placeholder: "folder/subfolder" };
const REGEX = {
  type: "text",
  name: "regex_filter",
  label: "File Filter Regex",
  placeholder: ".*csv or .*(jpe?g|png|tiff) or .\\w+-\\d+.text",
  validators: ["regexp"],
};
const METHOD = {
  type: "select",
  name: "use_blob_urls",
  label: "Import method",
  description: "Choose how to import your data from storage",
  placeholder: "Select an option",
  required: true,
  options: [
    {
      value: true,
      label: "Files - Automatically creates a task for each storage object (e.g. JPG, MP3, TXT)",
    },
    {
      value: false,
      label:
        "Tasks - Treat each JSON or JSONL file as a task definition (one or more tasks per file)",
    },
  ],
};
const RECURSIVE = { type: "toggle", name: "recursive_scan", label: "Scan all sub-folders" };
const PRESIGN = {
  type: "toggle",
  name: "presign",
  label: "Use pre-signed URLs",
  description: "When pre-signed URLs are off, media are streamed through this server",
  value: true,
};
const PRESIGN_TTL = {
  type: "counter",
  name: "presign_ttl",
  label: "Expire pre-signed URLs (minutes)",
  min: 1,
  value: SUGGESTED_TTL_MINUTES,
  dependency: "presign",
};

const CAN_DELETE = {
  type: "toggle",
  name: "can_delete_objects",
  label: "Can delete objects from storage",
  description: "When an annotation is deleted, its object in the storage is deleted too",
};

/** `GET …/form`: rows of fields for a settings page, made from what the provider says about its fields. */
export function toFormLayout(kind: StorageKind): readonly FormRow[] {
  const { shape, definition, direction } = kind;
  const has = (field: Parameters<typeof hasField>[2]) => hasField(shape, direction, field);
  const own = definition.form.map(toField);
  const first = own.filter((field) => field["required"] === true);
  const rest = own.filter((field) => field["required"] !== true);
  const options = [
    ...(has("recursive_scan") ? [{ ...RECURSIVE, value: shape.recursiveByDefault ?? false }] : []),
    ...(has("presign") ? [PRESIGN, PRESIGN_TTL] : []),
    ...(has("can_delete_objects") ? [CAN_DELETE] : []),
  ];
  return [
    toRow([TITLE, ...first, ...(has("prefix") ? [PREFIX] : [])]),
    ...toRows(rest),
    // Every object that a target writes is wanted there.
    ...(direction === "source" ? [toRow([REGEX]), toRow([METHOD])] : []),
    ...toRows(options),
  ];
}

/** Secrets are typed anew: a page must neither fill them in nor show them. */
function toField(field: FormField): Readonly<Record<string, unknown>> {
  const { type, name, label, ...rest } = field;
  const guard =
    type === "password"
      ? { autoComplete: "new-password", skipAutofill: true, protectedValue: true }
      : {};
  return { type, name, label, ...rest, ...guard };
}

function toRows(fields: readonly FormRow["fields"][number][]): readonly FormRow[] {
  const rows: FormRow[] = [];
  for (let start = 0; start < fields.length; start += FIELDS_PER_ROW) {
    rows.push(toRow(fields.slice(start, start + FIELDS_PER_ROW)));
  }
  return rows;
}

function toRow(fields: FormRow["fields"]): FormRow {
  return { columnCount: fields.length, fields };
}
