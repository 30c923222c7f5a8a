import { Buffer } from "node:buffer";
import { constants, zstdCompressSync } from "node:zlib";
import { MAX_PARQUET_FOOTER_BYTES } from "@bucketbridge/core";
import { ByteWriter } from "hyparquet-writer";
import { serializeTCompactProtocol } from "hyparquet-writer/src/thrift.js";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { ParseThreads } from "../threads/parse-threads.ts";
import {
  aParquet,
  readAll,
  withFooter,
  withRawFooter,
  type RawStruct,
} from "./parquet-fixtures.ts";

/** Short, so that a decoder without an end costs little here. */
const threads = new ParseThreads({ threads: 1, timeoutMs: 1_500, heapMib: 256 });
afterAll(() => threads.close());

const GOOD = aParquet({
  columnData: [
    { name: "id", data: Array.from({ length: 200 }, (_, index) => index), type: "INT32" },
    {
      name: "label",
      data: Array.from({ length: 200 }, (_, index) => (index % 3 === 0 ? "cat" : "dog")),
      type: "STRING",
    },
  ],
  rowGroupSize: 100,
});
const BODY = Buffer.from("PAR1");

type Change = (footer: RawStruct) => void;
const schemaOf = (footer: RawStruct): RawStruct[] => footer.field_2 as RawStruct[];
const groupOf = (footer: RawStruct): RawStruct => (footer.field_4 as RawStruct[])[1] ?? {};
const columnOf = (footer: RawStruct): RawStruct =>
  ((groupOf(footer).field_1 as RawStruct[])[0]?.field_3 ?? {}) as RawStruct;

async function failureOf(file: Buffer): Promise<unknown> {
  const items = await readAll(file, threads);
  return items.at(-1);
}

function failure(code: string): object {
  return {
    kind: "failure",
    rowIndex: -1,
    code,
    message: expect.stringMatching(
      /^a\.parquet cannot be read: the Parquet|^a\.parquet cannot be read: /,
    ) as string,
  };
}

function thrift(struct: RawStruct): Uint8Array {
  const writer = new ByteWriter();
  serializeTCompactProtocol(writer, struct);
  return writer.getBytes();
}

describe("a footer that lies", () => {
  it("is one of a file that reads well otherwise", async () => {
    expect(
      await readAll(
        withFooter(GOOD, () => undefined),
        threads,
      ),
    ).toHaveLength(200);
  });

  const changes: [string, Change, string][] = [
    [
      "more rows than groups have",
      (footer) => {
        footer.field_3 = 1_000_000n;
      },
      "corrupt_data",
    ],
    [
      "fewer rows than none",
      (footer) => {
        groupOf(footer).field_3 = -100n;
      },
      "corrupt_data",
    ],
    [
      "rows out of nothing",
      (footer) => {
        footer.field_3 = 10n ** 12n + 100n;
        groupOf(footer).field_3 = 10n ** 12n;
        for (const column of groupOf(footer).field_1 as RawStruct[])
          (column.field_3 as RawStruct).field_5 = 10n ** 12n;
      },
      "ratio_too_large",
    ],
    [
      "a row group without columns",
      (footer) => {
        groupOf(footer).field_1 = [];
      },
      "corrupt_data",
    ],
    [
      "a column of a negative size",
      (footer) => {
        columnOf(footer).field_7 = -1n;
      },
      "corrupt_data",
    ],
    [
      "a column beyond the file",
      (footer) => {
        columnOf(footer).field_7 = 10_000_000n;
      },
      "corrupt_data",
    ],
    [
      "a column that begins before the file",
      (footer) => {
        columnOf(footer).field_9 = -4n;
        columnOf(footer).field_11 = 0n;
      },
      "corrupt_data",
    ],
    [
      "another number of values than rows",
      (footer) => {
        columnOf(footer).field_5 = 7n;
      },
      "corrupt_data",
    ],
    [
      "an unknown codec",
      (footer) => {
        columnOf(footer).field_4 = 99;
      },
      "codec_unsupported",
    ],
    [
      "a codec that nobody writes",
      (footer) => {
        columnOf(footer).field_4 = 3;
      },
      "codec_unsupported",
    ],
    [
      "another codec than the pages have",
      (footer) => {
        columnOf(footer).field_4 = 6;
      },
      "corrupt_data",
    ],
    [
      "a ratio of a bomb",
      (footer) => {
        columnOf(footer).field_6 = 10n ** 10n;
      },
      "ratio_too_large",
    ],
    [
      "a column in another file",
      (footer) => {
        ((groupOf(footer).field_1 as RawStruct[])[0] ?? {}).field_1 = Buffer.from("x");
      },
      "codec_unsupported",
    ],
    [
      "a column of another name",
      (footer) => {
        columnOf(footer).field_3 = [Buffer.from("other")];
      },
      "corrupt_data",
    ],
    [
      "a column called __proto__",
      (footer) => {
        (schemaOf(footer)[1] ?? {}).field_4 = Buffer.from("__proto__");
      },
      "corrupt_data",
    ],
    [
      "two columns of one name",
      (footer) => {
        (schemaOf(footer)[1] ?? {}).field_4 = Buffer.from("label");
      },
      "corrupt_data",
    ],
    [
      "more children than there are",
      (footer) => {
        (schemaOf(footer)[0] ?? {}).field_5 = 2_000_000_000;
      },
      "corrupt_data",
    ],
    [
      "fewer children than there are",
      (footer) => {
        (schemaOf(footer)[0] ?? {}).field_5 = 1;
      },
      "corrupt_data",
    ],
    [
      "fewer children than none",
      (footer) => {
        (schemaOf(footer)[0] ?? {}).field_5 = -1;
      },
      "corrupt_data",
    ],
    [
      "a schema without an end",
      (footer) => {
        const group = { field_3: 0, field_4: Buffer.from("g"), field_5: 1 };
        footer.field_2 = [
          ...Array.from({ length: 50_000 }, () => group),
          ...schemaOf(footer).slice(1),
        ];
      },
      "corrupt_data",
    ],
    [
      "a schema of many levels",
      (footer) => {
        const group = { field_3: 0, field_4: Buffer.from("g"), field_5: 1 };
        footer.field_2 = [
          ...Array.from({ length: 5_000 }, () => group),
          ...schemaOf(footer).slice(1),
        ];
      },
      "corrupt_data",
    ],
    [
      "no schema",
      (footer) => {
        footer.field_2 = [];
      },
      "corrupt_data",
    ],
    [
      "no row groups at all",
      (footer) => {
        Reflect.deleteProperty(footer, "field_4");
      },
      "corrupt_data",
    ],
  ];
  it.each(changes)("is refused: %s", async (_name, change, code) => {
    expect(await failureOf(withFooter(GOOD, change))).toMatchObject(failure(code));
  });

  it.each([
    ["a file of nothing", Buffer.alloc(0), "corrupt_data"],
    ["a file of eight bytes", Buffer.from("PAR1PAR1"), "corrupt_data"],
    ["another kind of file", Buffer.alloc(5_000, "x"), "corrupt_data"],
    ["a file that was cut", GOOD.subarray(0, GOOD.length - 20), "corrupt_data"],
    [
      "an encrypted file",
      Buffer.concat([GOOD.subarray(0, -4), Buffer.from("PARE")]),
      "codec_unsupported",
    ],
    [
      "a length beyond the file",
      Buffer.concat([
        GOOD.subarray(0, -8),
        Buffer.from([0xff, 0xff, 0x7f, 0, 0x50, 0x41, 0x52, 0x31]),
      ]),
      "corrupt_data",
    ],
    [
      "a length of four gigabytes",
      Buffer.concat([
        GOOD.subarray(0, -8),
        Buffer.from([0xff, 0xff, 0xff, 0xff, 0x50, 0x41, 0x52, 0x31]),
      ]),
      "corrupt_data",
    ],
    [
      "a length beyond what is read",
      Buffer.concat([
        BODY,
        Buffer.alloc(MAX_PARQUET_FOOTER_BYTES + 1),
        Buffer.from(Uint32Array.of(MAX_PARQUET_FOOTER_BYTES + 1).buffer),
        BODY,
      ]),
      "file_too_large",
    ],
    ["a footer of nothing", withRawFooter(BODY, Buffer.alloc(0)), "corrupt_data"],
    [
      "a list of two billion",
      withRawFooter(BODY, Buffer.from([0x29, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x07, 0])),
      "corrupt_data",
    ],
    [
      "a list of a negative size",
      withRawFooter(BODY, Buffer.from([0x29, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x0f, 0])),
      "corrupt_data",
    ],
    [
      "a string of two gigabytes",
      withRawFooter(BODY, Buffer.from([0x28, 0xff, 0xff, 0xff, 0xff, 0x07])),
      "corrupt_data",
    ],
    ["an integer without an end", withRawFooter(BODY, Buffer.alloc(100, 0xf5)), "corrupt_data"],
    ["structures in structures", withRawFooter(BODY, Buffer.alloc(100_000, 0x1c)), "corrupt_data"],
    ["lists in lists", withRawFooter(BODY, Buffer.alloc(100_000, 0x19)), "corrupt_data"],
    // 0x29 0xfc: field 2 is a list of structs; then its length; then structs of one byte each.
    [
      "eight million empty structures",
      withRawFooter(
        BODY,
        Buffer.concat([Buffer.from([0x29, 0xfc, 0x80, 0x80, 0x80, 0x04]), Buffer.alloc(8_380_000)]),
      ),
      "corrupt_data",
    ],
  ])("is refused: %s", async (_name, file, code) => {
    expect(await failureOf(file)).toMatchObject(failure(code));
  });
});

/** One row group of labels, whose pages are written by `compress` and called zstd: it can put anything into them. */
function withPages(compress: (page: Uint8Array) => Uint8Array): Buffer {
  const data = Array.from({ length: 400 }, (_, index) => `label ${String(index % 50)}`);
  return aParquet({
    columnData: [{ name: "label", data, type: "STRING", nullable: false }],
    codec: "ZSTD",
    compressors: { ZSTD: compress },
  });
}

/** The codes of the data page, which refer to a dictionary, begin with these bytes. */
function withCodes(bytes: readonly number[]): Buffer {
  return withPages((page) => {
    const changed = Buffer.from(page);
    if (!changed.includes("label")) Buffer.from(bytes).copy(changed);
    return zstdCompressSync(changed);
  });
}

describe("pages that lie", () => {
  it("are those of a file that reads well otherwise", async () => {
    expect(
      await readAll(
        withPages((page) => zstdCompressSync(page)),
        threads,
      ),
    ).toHaveLength(400);
  });

  it("unpack to no more than they say", async () => {
    const bomb = zstdCompressSync(Buffer.alloc(256 * 1024 * 1024), {
      params: { [constants.ZSTD_c_compressionLevel]: 1 },
    });
    expect(await failureOf(withPages(() => bomb))).toMatchObject(failure("corrupt_data"));
  });

  // Without the check, the first writes two billion values and ends the whole process, the others do not end.
  it.each([
    ["a run of two billion values", [1, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0]],
    ["a packed run of a negative length", [0, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ["a packed run of two billion values of no bits", [0, 0xff, 0xff, 0xff, 0xff, 0x07]],
    ["a run whose length does not end", [1, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ["codes of 200 bits", [200, 2, 0]],
  ])("are refused: %s", async (_name, codes) => {
    expect(await failureOf(withCodes(codes))).toMatchObject(failure("corrupt_data"));
  });

  it("are refused when each value repeats the one before", async () => {
    const data = Array.from({ length: 1_200 }, () => "x".repeat(100_000));
    const columnData = [
      {
        name: "v",
        data,
        type: "STRING" as const,
        encoding: "DELTA_BYTE_ARRAY" as const,
        nullable: false,
      },
    ];
    const file = aParquet({ columnData, pageSize: 1_000_000_000, statistics: false });
    expect(file.length).toBeLessThan(1_000_000);
    expect(await failureOf(file)).toMatchObject(failure("ratio_too_large"));
  });

  it.each([
    [
      "a decoded size of two gigabytes",
      { field_1: 0, field_2: 2_147_483_647, field_3: 0, field_5: { field_1: 100 } },
      "row_too_large",
    ],
    [
      "a negative decoded size",
      { field_1: 0, field_2: -1, field_3: 0, field_5: { field_1: 100 } },
      "corrupt_data",
    ],
    [
      "a negative stored size",
      { field_1: 0, field_2: 10, field_3: -20, field_5: { field_1: 100 } },
      "corrupt_data",
    ],
    [
      "a stored size beyond the column",
      { field_1: 0, field_2: 10, field_3: 1_000_000, field_5: { field_1: 100 } },
      "corrupt_data",
    ],
    [
      "two billion values",
      { field_1: 0, field_2: 10, field_3: 0, field_5: { field_1: 2_147_483_647 } },
      "corrupt_data",
    ],
    [
      "a dictionary longer than its page",
      { field_1: 2, field_2: 10, field_3: 0, field_7: { field_1: 11 } },
      "corrupt_data",
    ],
    [
      "more nulls than values",
      {
        field_1: 3,
        field_2: 10,
        field_3: 0,
        field_8: { field_1: 100, field_2: 101, field_3: 1, field_5: 0, field_6: 0 },
      },
      "corrupt_data",
    ],
    [
      "levels longer than the page",
      {
        field_1: 3,
        field_2: 10,
        field_3: 0,
        field_8: { field_1: 100, field_2: 0, field_3: 1, field_5: 2_000_000_000, field_6: 0 },
      },
      "corrupt_data",
    ],
    ["no header of their type", { field_1: 3, field_2: 10, field_3: 0 }, "corrupt_data"],
    ["an unknown type", { field_1: 9, field_2: 10, field_3: 0 }, "corrupt_data"],
  ])("are refused: %s", async (_name, header, code) => {
    const file = Buffer.from(GOOD);
    const hostile = withFooter(file, (footer) => {
      const column = columnOf(footer);
      const offset = Number(column.field_11 ?? column.field_9);
      thrift(header).forEach((byte, index) => (file[offset + index] = byte));
      column.field_9 = BigInt(offset);
      Reflect.deleteProperty(column, "field_11");
    });
    // The footer was written behind a copy of the body; the pages changed in place afterwards.
    file.copy(
      hostile,
      0,
      0,
      Math.min(file.length, hostile.length) - 8 - hostile.readUInt32LE(hostile.length - 8),
    );
    expect(await failureOf(hostile)).toMatchObject(failure(code));
  });
});

describe("a damaged file", () => {
  it("gives rows or a failure, never an error or a hang", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(GOOD.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (wounds) => {
          const file = Buffer.from(GOOD);
          for (const [at, byte] of wounds) file[at] = byte;
          const items = await readAll(file, threads);
          for (const [index, item] of items.entries()) {
            expect(item.rowIndex).toBe(item.kind === "failure" ? -1 : index);
            if (item.kind === "failure") expect(index).toBe(items.length - 1);
          }
          expect(
            items.length > 200 || items.length === 200 || items.at(-1)?.kind === "failure",
          ).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });
});
