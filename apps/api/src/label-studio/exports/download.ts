import { Readable } from "node:stream";
import { convertExport, type ControlTags } from "@bucketbridge/sync";
import type { FastifyReply, FastifyRequest } from "fastify";
import { nonFieldError } from "../../api-error.ts";
import { queryValue } from "../query.ts";
import { EXPORT_FORMATS, type ExportFormat } from "./view.ts";

const TYPES: Readonly<Record<ExportFormat, readonly [type: string, extension: string]>> = {
  JSON: ["application/json", "json"],
  JSON_MIN: ["application/json", "json"],
  CSV: ["text/csv; charset=utf-8", "csv"],
  TSV: ["text/tab-separated-values; charset=utf-8", "tsv"],
};

/** The format that a request names, JSON where it names none. A format that is not made here is refused by name. */
export function readFormat(request: FastifyRequest, said?: unknown): ExportFormat {
  const asked = queryValue(request, "exportType") ?? queryValue(request, "export_type");
  const name = typeof said === "string" ? said : asked;
  if (name === undefined || name === "") return "JSON";
  const format = EXPORT_FORMATS.find((one) => one === name);
  if (format !== undefined) return format;
  throw nonFieldError(
    `"${name}" is not an export format of this server: ${EXPORT_FORMATS.join(", ")}. Convert the JSON with label-studio-sdk's converter for others.`,
  );
}

/** A file that is sent while it is made or read. */
export interface ExportFile {
  /** Without its ending. */
  readonly name: string;
  readonly format: ExportFormat;
  /** Known for a file that lies in the store. */
  readonly size?: number | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

/** An attachment that no cache keeps. A failure after its first byte cuts the connection. */
export function sendFile(reply: FastifyReply, file: ExportFile): FastifyReply {
  const [type, extension] = TYPES[file.format];
  if (file.size !== undefined) reply.header("content-length", String(file.size));
  return reply
    .type(type)
    .headers({
      "content-disposition": `attachment; filename="${file.name}.${extension}"`,
      filename: `${file.name}.${extension}`,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    })
    .send(Readable.from(file.body, { objectMode: false }));
}

/** The bytes of an export in `format`; `open` gives its tasks anew each time. */
export function convert(
  open: () => AsyncIterable<string>,
  format: Exclude<ExportFormat, "JSON">,
  controls: ControlTags,
): AsyncIterable<Uint8Array> {
  return convertExport(open, format, controls);
}
