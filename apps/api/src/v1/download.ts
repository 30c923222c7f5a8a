import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import { toCsvHeader, toCsvLine } from "./csv.ts";

/** Rows that a download reads at once: it takes as long as the client, so it holds no transaction open. */
const CHUNK_ROWS = 1_000;

/** A list that is sent as a file. */
export interface Download<Row, Column extends string> {
  /** Without its ending. */
  readonly name: string;
  readonly format: "csv" | "jsonl";
  readonly columns: readonly Column[];
  /** The rows that follow `last`, at most `limit` of them. */
  readonly read: (last: Row | undefined, limit: number) => Promise<readonly Row[]>;
}

/** Sends all rows as an attachment, a chunk at a time. */
export async function sendDownload<
  Column extends string,
  Row extends Readonly<Record<Column, string | number | boolean | null>>,
>(reply: FastifyReply, download: Download<Row, Column>): Promise<void> {
  const { name, format } = download;
  const type = format === "csv" ? "text/csv; charset=utf-8" : "application/x-ndjson; charset=utf-8";
  await reply
    .type(type)
    .header("content-disposition", `attachment; filename="${name}.${format}"`)
    .send(Readable.from(toChunks(download)));
}

async function* toChunks<
  Column extends string,
  Row extends Readonly<Record<Column, string | number | boolean | null>>,
>({ format, columns, read }: Download<Row, Column>): AsyncGenerator<string, void, undefined> {
  if (format === "csv") yield toCsvHeader(columns);
  for (let last: Row | undefined; ;) {
    const rows = await read(last, CHUNK_ROWS);
    if (rows.length > 0) {
      yield rows
        .map((row) => (format === "csv" ? toCsvLine(columns, row) : `${JSON.stringify(row)}\n`))
        .join("");
    }
    if (rows.length < CHUNK_ROWS) return;
    last = rows.at(-1);
  }
}
