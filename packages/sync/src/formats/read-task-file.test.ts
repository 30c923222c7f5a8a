import { describe, expect, it } from "vitest";
import type { TaskFileItem } from "./items.ts";
import { readTaskFile, type ReadTaskFileOptions } from "./read-task-file.ts";

async function* chunked(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    // The reader must not keep what it was given: this source uses its buffer again.
    const reused = Uint8Array.from(bytes.subarray(at, at + size));
    yield await Promise.resolve(reused);
    reused.fill(0x20);
  }
}

async function read(
  content: string | Uint8Array,
  chunkBytes = 7,
  options: Partial<ReadTaskFileOptions> = {},
): Promise<TaskFileItem[]> {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const items: TaskFileItem[] = [];
  for await (const item of readTaskFile(chunked(bytes, chunkBytes), { key: "a.json", ...options }))
    items.push(item);
  return items;
}

/** One line per item, without the places where reading could go on. */
async function outline(content: string | Uint8Array, chunkBytes = 7): Promise<string[]> {
  return (await read(content, chunkBytes)).map((item) => {
    const place = `${String(item.rowIndex)}@${String(item.byteOffset)}`;
    return item.kind === "row" ? `${place} ${item.row.data}` : `${place} ${item.code}`;
  });
}

const NOT_JSON = `Can't import JSON-formatted tasks from a.json. If you're trying to import binary objects, perhaps you forgot to enable "Files" import method?`;

describe("formats, told by the first character", () => {
  it.each([
    ["one object", '{"a":1}', ['0@0 {"a":1}']],
    ["one object over lines", '{\n "a": 1\n}\n', ['0@0 {\n "a": 1\n}\n']],
    ["an array", '[{"a":1}, {"b":2}]', ['0@1 {"a":1}', '1@10 {"b":2}']],
    ["an array over lines", '[\n  {"a":1},\n  {"b":2}\n]\n', ['0@4 {"a":1}', '1@15 {"b":2}\n']],
    ["an array of nothing", " [ ] ", []],
    ["JSON Lines", '{"a":1}\n{"b":2}\n', ['0@0 {"a":1}', '1@8 {"b":2}']],
    ["JSON Lines without a last newline", '{"a":1}\r\n{"b":2}', ['0@0 {"a":1}\r', '1@9 {"b":2}']],
    [
      "JSON Lines with blank lines",
      '\n\n{"a":1}\n \t\n\n{"b":2}\n\n',
      ['0@2 {"a":1}', '1@14 {"b":2}'],
    ],
    ["a byte order mark", '\uFEFF{"a":1}', ['0@3 {"a":1}']],
    ["a byte order mark before an array", '\uFEFF[{"a":1}]', ['0@4 {"a":1}']],
    [
      "brackets, commas and quotes in strings",
      String.raw`[{"a":"]},{[\"\\"},{"b":"\\\\\""}]`,
      [String.raw`0@1 {"a":"]},{[\"\\"}`, String.raw`1@19 {"b":"\\\\\""}`],
    ],
    [
      "strings longer than a chunk",
      `[{"a":"${'x\\"'.repeat(40)}"}]`,
      [`0@1 {"a":"${'x\\"'.repeat(40)}"}`],
    ],
  ])("reads %s", async (_name, content, expected) => {
    for (const chunkBytes of [1, 2, 7, 1_000])
      expect(await outline(content, chunkBytes)).toEqual(expected);
  });

  it.each([
    ["nothing", ""],
    ["blanks", " \n\t\r\n "],
    ["a byte order mark alone", "\uFEFF"],
  ])("fails for %s with the sentence of the contract", async (_name, content) => {
    expect(await read(content, 2)).toMatchObject([
      { kind: "failure", rowIndex: -1, code: "empty_file", message: NOT_JSON },
    ]);
  });

  it.each(["5", '"text"', "null", "true", "tasks", "\x89PNG", "]", "}", "<html>"])(
    "fails for %j with the sentence of the contract",
    async (content) => {
      expect(await read(` ${content}    `, 3)).toMatchObject([
        { kind: "failure", rowIndex: -1, byteOffset: 1, code: "not_json", message: NOT_JSON },
      ]);
    },
  );

  it.each([
    ["UTF-16 with a mark", Buffer.from('\uFEFF[{"a":1}]', "utf16le")],
    ["UTF-16 without a mark", Buffer.from('[{"a":1}]', "utf16le")],
    ["UTF-16 in the other order", Buffer.from('\uFEFF[{"a":1}]', "utf16le").swap16()],
  ])("says that %s must become UTF-8", async (_name, content) => {
    expect(await read(content, 1)).toMatchObject([
      {
        kind: "failure",
        code: "encoding_unsupported",
        message: expect.stringContaining("save it as UTF-8") as string,
      },
    ]);
  });
});

describe("bad rows", () => {
  it.each([
    [
      "a broken line between good ones",
      '{"a":1}\n{"b":}\n{"c":3}',
      ['0@0 {"a":1}', "1@13 invalid_json", '2@15 {"c":3}'],
    ],
    ["a broken first line", '{"a":}\n{"b":2}\n', ["0@5 invalid_json", '1@7 {"b":2}']],
    [
      "a first line that is cut",
      '{"a":[1,\n{"b":2}\n{"c":3}\n',
      ["0@8 invalid_json", '1@9 {"b":2}', '2@17 {"c":3}'],
    ],
    [
      "a first line that is cut in a string",
      '{"a":"x\n{"b":2}\n',
      ["0@7 invalid_json", '1@8 {"b":2}'],
    ],
    [
      "a line that is no object",
      '{"a":1}\n[1]\n7\n',
      ['0@0 {"a":1}', "1@8 not_an_object", "2@12 not_an_object"],
    ],
    [
      "an element that is no object",
      '[1,{"a":1},"x",null,[2]]',
      [
        "0@1 not_an_object",
        '1@3 {"a":1}',
        "2@11 not_an_object",
        "3@15 not_an_object",
        "4@20 not_an_object",
      ],
    ],
    [
      "a broken element between good ones",
      '[{"a":1},{"b":tru},{"c":3}]',
      ['0@1 {"a":1}', "1@17 invalid_json", '2@19 {"c":3}'],
    ],
    ["elements without a comma", '[{"a":1} {"b":2},{"c":3}]', ["0@9 invalid_json", '1@17 {"c":3}']],
    [
      "elements of nothing",
      '[,{"a":1},]',
      ["0@1 invalid_json", '1@2 {"a":1}', "2@10 invalid_json"],
    ],
    ["a broken document", '{\n "a": 1,\n}\n', ["0@11 invalid_json"]],
    ["a document that is cut", '{\n "a": 1,\n', ["0@11 invalid_json"]],
    ["a broken line alone", '{"a":1', ["0@6 invalid_json"]],
    [
      "bytes that are no UTF-8",
      Buffer.from('[{"a":"\xe9"},{"b":"é"}]', "latin1"),
      ["0@7 invalid_utf8", "1@17 invalid_utf8"],
    ],
  ])("goes on after %s", async (_name, content, expected) => {
    for (const chunkBytes of [1, 3, 1_000])
      expect(await outline(content, chunkBytes)).toEqual(expected);
  });

  it.each([
    ["a document with something behind it", '{\n"a":1}\n{\n"b":2}\n', ["-1@9 corrupt_data"]],
    [
      "a bracket that does not match",
      '[{"a":1},{"b":[2},{"c":3}]',
      ['0@1 {"a":1}', "-1@16 corrupt_data"],
    ],
    ["something behind the array", '[{"a":1}]\n[{"b":2}]', ['0@1 {"a":1}', "-1@10 corrupt_data"]],
    ["an array that is cut in an element", '[{"a":1},{"b":', ['0@1 {"a":1}', "-1@14 corrupt_data"]],
    ["an array that is cut between elements", '[{"a":1},', ['0@1 {"a":1}', "-1@9 corrupt_data"]],
    ["an array that is cut at once", "[", ["-1@1 corrupt_data"]],
  ])("ends the file at %s and keeps the rows before", async (_name, content, expected) => {
    for (const chunkBytes of [1, 3, 1_000])
      expect(await outline(content, chunkBytes)).toEqual(expected);
  });

  it.each([
    [String.raw`{"a":{"b":["x","\u0000"]}}`, "unstorable_text", "U+0000 in a value at $.a.b[1]"],
    [String.raw`{"a":{"k\u0000":1}}`, "unstorable_text", "U+0000 in a key at $.a.k\uFFFD"],
    [String.raw`{"a":"\ud83d"}`, "unstorable_text", "half of a surrogate pair in a value at $.a"],
    [String.raw`{"a\uDE00":1}`, "unstorable_text", "half of a surrogate pair in a key"],
    ['{"a":[1,1e400]}', "number_out_of_range", "at $.a[1]"],
    [`{"a":${"9".repeat(400)}}`, "number_out_of_range", "at $.a"],
    [`{"a":-${"9".repeat(400)}.5}`, "number_out_of_range", "at $.a"],
    ['{"a":NaN}', "invalid_json", "unexpected N"],
    ['{"a":Infinity}', "invalid_json", "unexpected I"],
    [`{"a":${"[".repeat(512)}${"]".repeat(512)}}`, "row_too_deep", "512 levels"],
    [`{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, "row_too_deep", "512 levels"],
    [`{"a":${'{"a":'.repeat(100_000)}`, "row_too_deep", "512 levels"],
    [
      '{"a":1,"predictions":[{}]}',
      "data_missing",
      'If you use "predictions" field in the task, you must put "data"',
    ],
  ])("refuses the row of case %#", async (row, code, words) => {
    const bad = {
      kind: "bad",
      rowIndex: 0,
      code,
      message: expect.stringContaining(words) as string,
    };
    expect(await read(row, 10_000)).toMatchObject([bad]);
    expect(await read(`${row}\n{"a":1}`, 10_000)).toMatchObject([
      bad,
      { kind: "row", rowIndex: 1 },
    ]);
    if (!code.endsWith("_json") && !row.endsWith(":")) {
      expect(await read(`[${row},{"a":1}]`, 10_000)).toMatchObject([
        bad,
        { kind: "row", rowIndex: 1 },
      ]);
    }
  });
});

describe("values", () => {
  it.each([
    ['{"id":12345678901234567890,"n":-9007199254740993}'],
    ['{"x":0.1,"y":1e308,"z":-0.0012,"u":"\u00e9😀"}'],
    [String.raw`{"u":"\u00e9\ud83d\ude00","s":"\\u0000"}`],
    [`{"a":${"[".repeat(511)}${"]".repeat(511)}}`],
  ])("keeps the values of case %# as they are", async (row) => {
    const [item] = await read(row, 1_000);
    expect(item?.kind).toBe("row");
    const data = item?.kind === "row" ? item.row.data : "";
    expect(JSON.parse(data)).toEqual(JSON.parse(row));
    if (row.includes("12345678901234567890")) expect(data).toBe(row);
  });

  it("keeps keys that would change the prototype as plain data", async () => {
    const row =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"data":{"__proto__":{"data":1},"x":1}}';
    const [wrapped] = await read(row);
    expect(wrapped).toMatchObject({ kind: "row", row: { data: '{"__proto__":{"data":1},"x":1}' } });
    const [bare] = await read('{"__proto__":{"data":{"polluted":1}},"big":12345678901234567890}');
    expect(bare).toMatchObject({
      row: { data: '{"__proto__":{"data":{"polluted":1}},"big":12345678901234567890}' },
    });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});
