import { toWireTime } from "@bucketbridge/contracts";
import type { Member, SnapshotRecord } from "@bucketbridge/db";
import { toAvatarUrl } from "../../uploads/file-keys.ts";
import { CONVERTED_FORMATS } from "@bucketbridge/sync";

/** Every format that a download can have. */
export const EXPORT_FORMATS = ["JSON", ...CONVERTED_FORMATS] as const;

/** One of {@link EXPORT_FORMATS}. */
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** A snapshot as the contract shows it. Conversions are made when they are downloaded, so all of them are there with the file. */
export function toSnapshotView(
  snapshot: SnapshotRecord,
  creator: Member | undefined,
): Record<string, unknown> {
  const { status, file, errorMessage } = snapshot;
  return {
    id: snapshot.id,
    title: snapshot.title,
    created_by: creator === undefined ? null : toCreatorView(creator),
    created_at: toWireTime(snapshot.createdAt),
    finished_at: snapshot.finishedAt === null ? null : toWireTime(snapshot.finishedAt),
    status,
    md5: file?.md5 ?? "",
    counters: { task_number: snapshot.taskCount, annotation_number: snapshot.annotationCount },
    converted_formats: CONVERTED_FORMATS.map((format) => ({
      id: toFormatId(format),
      status,
      export_type: format,
      ...(errorMessage === null ? {} : { traceback: errorMessage }),
    })),
    ...(errorMessage === null ? {} : { error: errorMessage }),
  };
}

/** What the contract calls a conversion of a snapshot. */
export function toFormatId(format: ExportFormat): number {
  return EXPORT_FORMATS.indexOf(format);
}

function toCreatorView(creator: Member): Record<string, unknown> {
  return {
    id: creator.userId,
    first_name: creator.firstName,
    last_name: creator.lastName,
    email: creator.email,
    avatar: toAvatarUrl(creator.avatar),
  };
}

/** `GET /api/projects/{id}/export/formats`. */
export const FORMAT_VIEWS = [
  {
    name: "JSON",
    title: "JSON",
    description: "List of items in raw JSON format stored in one JSON file.",
    link: "https://labelstud.io/guide/export.html#JSON",
  },
  {
    name: "JSON_MIN",
    title: "JSON-MIN",
    description:
      'List of items where only "from_name", "to_name" values from the raw JSON format are exported.',
    link: "https://labelstud.io/guide/export.html#JSON-MIN",
  },
  {
    name: "CSV",
    title: "CSV",
    description:
      'Results are stored as comma-separated values with the column names specified by the values of the "from_name" and "to_name" fields.',
    link: "https://labelstud.io/guide/export.html#CSV",
  },
  {
    name: "TSV",
    title: "TSV",
    description:
      'Results are stored in tab-separated tabular file with column names specified by "from_name" "to_name" values',
    link: "https://labelstud.io/guide/export.html#TSV",
  },
];
