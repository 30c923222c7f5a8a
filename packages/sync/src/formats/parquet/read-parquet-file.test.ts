import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import type { TaskFileItem } from "../items.ts";
import { ParseThreads } from "../threads/parse-threads.ts";
import { aParquet, readAll, toReader, withFooter, type RawStruct } from "./parquet-fixtures.ts";
import { readParquetFile } from "./read-parquet-file.ts";

const threads = new ParseThreads({ threads: 1 });
afterAll(() => threads.close());

async function read(
  columnData: Parameters<typeof aParquet>[0]["columnData"],
  schema?: object[],
): Promise<TaskFileItem[]> {
  return readAll(
    aParquet({ columnData, ...(schema === undefined ? {} : { schema: schema as never }) }),
    threads,
  );
}

function dataOf(items: readonly TaskFileItem[]): unknown[] {
  return items.map((item) =>
    item.kind === "row" ? (JSON.parse(item.row.data) as unknown) : `${item.kind} ${item.code}`,
  );
}

describe("a table as tasks", () => {
  it("makes a task of each row, its columns the data", async () => {
    const items = await read([
      { name: "image", data: ["s3://b/1.jpg", "s3://b/2.jpg"], type: "STRING" },
      { name: "width", data: [640, null], type: "INT32" },
    ]);
    expect(items).toEqual([
      {
        kind: "row",
        rowIndex: 0,
        byteOffset: null,
        resumeOffset: null,
        row: {
          rowIndex: 0,
          data: '{"image":"s3://b/1.jpg","width":640}',
          meta: null,
          allowSkip: true,
          annotations: [],
          predictions: [],
        },
        issue: null,
        sizeBytes: 36,
      },
      expect.objectContaining({ kind: "row", rowIndex: 1 }),
    ]);
    expect(dataOf(items)[1]).toEqual({ image: "s3://b/2.jpg", width: null });
  });

  it.each([
    [
      "integers",
      { type: "INT64", data: [5n, 9007199254740991n, 9007199254740993n] },
      [5, 9007199254740991, "9007199254740993"],
    ],
    ["fractions", { type: "DOUBLE", data: [0.5, Number.NaN, -0] }, [0.5, null, 0]],
    ["truth", { type: "BOOLEAN", data: [true, false] }, [true, false]],
    [
      "times",
      { type: "TIMESTAMP", data: [new Date("2026-01-31T12:00:00.250Z")] },
      ["2026-01-31T12:00:00.250Z"],
    ],
    ["text", { type: "STRING", data: ["é😀", ""] }, ["é😀", ""]],
    ["bytes that are text", { type: "BYTE_ARRAY", data: [Buffer.from("é")] }, ["é"]],
    ["JSON", { type: "JSON", data: [{ a: [1, { b: null }] }] }, [{ a: [1, { b: null }] }]],
    [
      "UUIDs",
      { type: "UUID", data: ["00112233-4455-6677-8899-aabbccddeeff"] },
      ["00112233-4455-6677-8899-aabbccddeeff"],
    ],
  ] as const)("reads %s", async (_name, column, values) => {
    const items = await read([{ name: "v", ...column, data: [...column.data] }]);
    expect(dataOf(items)).toEqual(values.map((v) => ({ v })));
  });

  it("reads dates and times of more than milliseconds", async () => {
    const columnData = [
      { name: "day", data: [new Date("2026-01-31")] },
      { name: "micros", data: [1_700_000_000_123_456n] },
      { name: "nanos", data: [-1n] },
    ];
    const schema = [
      { name: "root", num_children: 3 },
      { name: "day", type: "INT32", converted_type: "DATE", repetition_type: "REQUIRED" },
      {
        name: "micros",
        type: "INT64",
        logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
        repetition_type: "REQUIRED",
      },
      {
        name: "nanos",
        type: "INT64",
        logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "NANOS" },
        repetition_type: "REQUIRED",
      },
    ];
    expect(dataOf(await read(columnData as never, schema))).toEqual([
      {
        day: "2026-01-31",
        micros: "2023-11-14T22:13:20.123456Z",
        nanos: "1969-12-31T23:59:59.999999999Z",
      },
    ]);
  });

  it("reads lists and structures", async () => {
    const data = [
      { a: 1, tags: ["x", "y"] },
      { a: 2, tags: [] },
    ];
    const schema = [
      { name: "root", num_children: 1 },
      { name: "s", num_children: 2, repetition_type: "REQUIRED" },
      { name: "a", type: "INT32", repetition_type: "REQUIRED" },
      { name: "tags", num_children: 1, converted_type: "LIST", repetition_type: "REQUIRED" },
      { name: "list", num_children: 1, repetition_type: "REPEATED" },
      { name: "element", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
    ];
    expect(dataOf(await read([{ name: "s", data }], schema))).toEqual(data.map((s) => ({ s })));
  });

  it("takes the column data as the task when it holds an object, and what stands beside it", async () => {
    const items = await read([
      {
        name: "data",
        data: ['{"text":"x","n":12345678901234567890}', "plain text", null],
        type: "STRING",
      },
      { name: "annotations", data: ['[{"result":[],"completed_by":3}]', null, ""], type: "STRING" },
      { name: "predictions", data: [null, "[]", null], type: "STRING" },
    ]);
    expect(items).toMatchObject([
      {
        kind: "row",
        row: {
          data: '{"text":"x","n":12345678901234567890}',
          annotations: [{ resultJson: "[]", completedBy: 3 }],
        },
      },
      { kind: "row", row: { data: '{"data":"plain text","annotations":null,"predictions":[]}' } },
      { kind: "row", row: { data: '{"data":null,"annotations":"","predictions":null}' } },
    ]);
  });
});

describe("files of another writer (pyarrow 26)", () => {
  const rows = JSON.parse(readFixture("pyarrow-rows.json").toString()) as unknown[];

  it.each(["pyarrow-1-zstd.parquet", "pyarrow-2-gzip.parquet"])(
    "read as it wrote them: %s",
    async (name) => {
      expect(dataOf(await readAll(readFixture(name), threads))).toEqual(rows);
      expect(dataOf(await readAll(readFixture(name), threads, 17))).toEqual(rows.slice(17));
    },
  );

  function readFixture(name: string): Buffer {
    return readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
  }
});

describe("bad rows of a table", () => {
  it.each([
    [
      "bytes that are no text",
      { type: "BYTE_ARRAY", data: [Buffer.from([0xff]), Buffer.from("a")] },
      "value_unsupported",
      "column v: it holds bytes",
    ],
    [
      "U+0000",
      { type: "STRING", data: ["\u0000", "a"] },
      "unstorable_text",
      "U+0000 in a value at $.v",
    ],
    [
      "an infinite number",
      { type: "DOUBLE", data: [Number.POSITIVE_INFINITY, 1] },
      "number_out_of_range",
      "column v: it holds an infinite",
    ],
    [
      "a value over the largest row",
      { type: "STRING", data: ["x".repeat(17 * 1024 * 1024), "a"] },
      "row_too_large",
      "16777216 bytes",
    ],
  ] as const)("are those with %s, the next one loads", async (_name, column, code, words) => {
    expect(await read([{ name: "v", ...column, data: [...column.data] }])).toMatchObject([
      { kind: "bad", rowIndex: 0, code, message: expect.stringContaining(words) as string },
      { kind: "row", rowIndex: 1 },
    ]);
  });

  it.each([
    ["broken", "{", "invalid_json"],
    ["too deep", `${"[".repeat(600)}${"]".repeat(600)}`, "row_too_deep"],
  ])("are those with JSON that is %s, the next one loads", async (_name, text, code) => {
    const CONVERTED_TYPE = "field_6";
    const LOGICAL_TYPE = "field_10";
    const file = aParquet({ columnData: [{ name: "v", data: [text, "[1]"], type: "STRING" }] });
    const declaredJson = withFooter(file, (footer) => {
      const column = (footer.field_2 as RawStruct[])[1] ?? {};
      column[CONVERTED_TYPE] = 19;
      Reflect.deleteProperty(column, LOGICAL_TYPE);
    });
    expect(await readAll(declaredJson, threads)).toMatchObject([
      { kind: "bad", rowIndex: 0, code },
      { kind: "row", rowIndex: 1, row: { data: '{"v":[1]}' } },
    ]);
  });
});

describe("row groups", () => {
  const rows = Array.from({ length: 2_500 }, (_, id) => id);
  const file = aParquet({
    columnData: [{ name: "id", data: rows, type: "INT32" }],
    rowGroupSize: 400,
    pageSize: 256,
  });

  it("number their rows over the whole file", async () => {
    const items = await readAll(file, threads);
    expect(items.map((item) => item.rowIndex)).toEqual(rows);
    expect(dataOf(items)).toEqual(rows.map((id) => ({ id })));
  });

  it("can be entered at any row", async () => {
    const items = await readAll(file, threads);
    for (const rowsRead of [0, 1, 399, 400, 401, 1_000, 2_399, 2_400, 2_499, 2_500]) {
      expect(await readAll(file, threads, rowsRead)).toEqual(items.slice(rowsRead));
    }
  });

  it("are read once each and not before they are wanted", async () => {
    const reader = toReader(file);
    const items = readParquetFile(reader, { key: "k", threads });
    await items.next();
    expect(reader.reads).toHaveLength(2);
    await items.return();
    expect(dataOf(await readAll(file, threads, 2_499))).toEqual([{ id: 2_499 }]);
  });
});
