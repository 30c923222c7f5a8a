import { Buffer } from "node:buffer";
import { afterAll, describe, expect, it } from "vitest";
import type { TaskFileItem } from "./items.ts";
import { aParquet, toReader } from "./parquet/parquet-fixtures.ts";
import { readParquetFile } from "./parquet/read-parquet-file.ts";
import { readTaskFile } from "./read-task-file.ts";
import { ParseThreads } from "./threads/parse-threads.ts";

const threads = new ParseThreads({ threads: 1 });
afterAll(() => threads.close());

const limits = { maxRowBytes: 20, maxDecodedRatio: 100 };
const ROW = '{"a":1}';
const LONG = `{"a":"${"x".repeat(13)}"}`;
const EXACT = `{"a":"${"x".repeat(12)}"}`;

async function outline(items: AsyncIterable<TaskFileItem>): Promise<string[]> {
  const lines: string[] = [];
  for await (const item of items)
    lines.push(`${String(item.rowIndex)} ${item.kind === "row" ? "row" : item.code}`);
  return lines;
}

function read(text: string, chunkBytes: number): Promise<string[]> {
  return outline(readTaskFile(cut(Buffer.from(text), chunkBytes), { key: "k", limits, threads }));
}

async function* cut(bytes: Buffer, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes)
    yield await Promise.resolve(bytes.subarray(at, at + chunkBytes));
}

describe("a limit of rows that an operator has moved", () => {
  it.each([
    [
      "lines",
      `${ROW}\n${LONG}\n${EXACT}\n${LONG}`,
      ["0 row", "1 row_too_large", "2 row", "3 row_too_large"],
    ],
    [
      "elements",
      `[${ROW},${LONG},${EXACT},${LONG}]`,
      ["0 row", "1 row_too_large", "2 row", "3 row_too_large"],
    ],
    ["a first line", `${LONG}\n${ROW}`, ["-1 row_too_large"]],
    ["a first element", `[${LONG},${ROW}]`, ["-1 row_too_large"]],
    ["an object over lines", '{\n"a":1,\n"b":2,\n"c":3}', ["-1 row_too_large"]],
  ])("holds for %s, wherever the file was cut", async (_name, text, expected) => {
    for (const chunkBytes of [1, 5, 1_000]) expect(await read(text, chunkBytes)).toEqual(expected);
  });

  it("holds for the rows of a table", async () => {
    const file = aParquet({
      columnData: [{ name: "a", data: ["x", "x".repeat(13), "x".repeat(12)], type: "STRING" }],
    });
    expect(await outline(readParquetFile(toReader(file), { key: "k", limits, threads }))).toEqual([
      "0 row",
      "1 row_too_large",
      "2 row",
    ]);
  });
});

describe("the ratio of a table", () => {
  const data = Array.from({ length: 20_000 }, () => "x".repeat(5_000));
  const file = aParquet({ columnData: [{ name: "a", data, type: "STRING" }] });

  it(
    "ends the file when its rows outgrow it, and keeps those before",
    { timeout: 30_000 },
    async () => {
      const lines = await outline(readParquetFile(toReader(file), { key: "k", threads }));
      expect(lines.at(-1)).toBe("-1 ratio_too_large");
      expect(lines.length).toBeGreaterThan(10_000);
      expect(lines.length).toBeLessThan(20_000);
    },
  );

  it("can be moved by an operator", { timeout: 30_000 }, async () => {
    const generous = { ...limits, maxRowBytes: 10_000, maxDecodedRatio: 1_000_000 };
    const lines = await outline(
      readParquetFile(toReader(file), { key: "k", limits: generous, threads }),
    );
    expect(lines).toHaveLength(20_000);
  });
});
