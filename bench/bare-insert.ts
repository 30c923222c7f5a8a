import { Secret } from "@bucketbridge/core";
import { withPgClient } from "@bucketbridge/db";

/** Rows of one bare statement: as many as a listing page has keys. */
const BARE_PAGE = 1_000;

/** Plain tables of the same columns that the product fills, with two indexes each; no foreign keys, no policies. */
const TABLES = `
DROP TABLE IF EXISTS bare_task, bare_object;
CREATE TABLE bare_object (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, storage_id int NOT NULL, key text COLLATE "C" NOT NULL,
  etag text, size bigint, modified_at timestamptz, state text NOT NULL);
CREATE UNIQUE INDEX ON bare_object (storage_id, key);
CREATE TABLE bare_task (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, project_id int NOT NULL, source_object_id bigint NOT NULL,
  row_index int NOT NULL, inner_id int NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(), data jsonb NOT NULL);
CREATE UNIQUE INDEX ON bare_task (source_object_id, row_index);`;

const INSERT_PAGE = `
WITH o AS (
  INSERT INTO bare_object (storage_id, key, etag, size, modified_at, state)
  SELECT 1, p.key, p.etag, p.size, to_timestamp(p.modified / 1000), 'done'
  FROM unnest($1::text[], $2::text[], $3::bigint[], $4::float8[]) AS p (key, etag, size, modified)
  RETURNING id, key)
INSERT INTO bare_task (project_id, source_object_id, row_index, inner_id, data)
SELECT 1, o.id, 0, $5::int + row_number() OVER (), jsonb_build_object('$undefined$', 's3://bench/' || o.key) FROM o`;

const INSERT_ROWS = `
INSERT INTO bare_task (project_id, source_object_id, row_index, inner_id, data)
SELECT 1, 1, $1::int + p.n, $1::int + p.n, p.data::jsonb
FROM unnest($2::text[]) WITH ORDINALITY AS p (data, n)`;

/** Columns of a page, ready to send. */
export interface BarePage {
  readonly keys: readonly string[];
  readonly etags: readonly string[];
  readonly sizes: readonly number[];
  readonly modified: readonly number[];
}

/** How the bare loops commit: pages of the product do not wait for the disk, an ordinary insert does. */
export type CommitMode = "flushed" | "unflushed";

/** Makes the bare tables anew, before the clock runs. */
export async function makeBareTables(url: string): Promise<void> {
  await withPgClient(new Secret(url), (client) => client.query(TABLES));
}

/** One connection, one prepared statement per page, commit by itself. */
export async function insertBarePages(
  url: string,
  pages: readonly BarePage[],
  mode: CommitMode,
): Promise<void> {
  await withPgClient(new Secret(url), async (client) => {
    await client.query(`SET synchronous_commit = ${mode === "flushed" ? "on" : "off"}`);
    for (const [index, { keys, etags, sizes, modified }] of pages.entries()) {
      const values = [keys, etags, sizes, modified, index * BARE_PAGE];
      await client.query({ name: "bare-page", text: INSERT_PAGE, values });
    }
  });
}

/** The same for rows of a task file, which are JSON texts already. */
export async function insertBareRows(
  url: string,
  rows: readonly string[],
  mode: CommitMode,
): Promise<void> {
  await withPgClient(new Secret(url), async (client) => {
    await client.query(`SET synchronous_commit = ${mode === "flushed" ? "on" : "off"}`);
    for (let at = 0; at < rows.length; at += BARE_PAGE) {
      const values = [at, rows.slice(at, at + BARE_PAGE)];
      await client.query({ name: "bare-rows", text: INSERT_ROWS, values });
    }
  });
}

/** The pages that the S3 server of the benchmark lists, as the bare loop sends them. */
export function makeBarePages(count: number): BarePage[] {
  return Array.from({ length: Math.ceil(count / BARE_PAGE) }, (_, page) => {
    const indexes = Array.from(
      { length: Math.min(BARE_PAGE, count - page * BARE_PAGE) },
      (__, index) => page * BARE_PAGE + index,
    );
    return {
      keys: indexes.map(
        (index) =>
          `datasets/images/train/2024/batch-0001/img_${String(index).padStart(12, "0")}.jpg`,
      ),
      etags: indexes.map((index) => (index * 2_654_435_761).toString(16).padStart(32, "0")),
      sizes: indexes.map((index) => 10_000 + index),
      modified: indexes.map(() => 1_747_303_200_000),
    };
  });
}
