import { parquetWriteBuffer } from "hyparquet-writer";
import type { Json } from "./client.ts";

/** An object that a client wrote, or takes away. */
export type Content = readonly (readonly [
  key: string | Buffer,
  body: string | Uint8Array | undefined,
])[];

/** An issue that must be there. */
export interface ExpectedIssue {
  readonly code: string;
  readonly key: RegExp;
  readonly rowIndex: number | null;
  readonly byteOffset?: number;
  /** What is wrong, and the remedy. */
  readonly says: RegExp;
}

/** What a user put into a bucket or folder, what comes of it, and what comes of it once it is mended. */
export interface ContentFault {
  readonly fault: string;
  readonly place: "s3" | "localfiles";
  readonly method: "files" | "tasks";
  readonly content: Content;
  readonly status: "completed" | "completed_with_errors" | "failed";
  readonly issues: readonly ExpectedIssue[];
  readonly tasks: readonly string[];
  readonly mended: Content | { readonly patch: Json };
  readonly by: "sync" | "retryFailed";
  readonly after: readonly string[];
}

const task = (name: string): string => JSON.stringify({ data: { name } });
const numbered = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `t${String(n).padStart(3, "0")}`);
const NAMES = numbered(100);
/** Valid up to byte 20. */
const MALFORMED = '{"data": {"name": "x" "y": 1}}';
const HUNDRED: Content = NAMES.map((name) => [`${name}.json`, task(name)]);
const ONE_IS_MALFORMED: Content = HUNDRED.map(([key, body]) =>
  key === "t050.json" ? [key, MALFORMED] : [key, body],
);
const MALFORMED_ISSUE: ExpectedIssue = {
  ...{ code: "invalid_json", key: /^t050\.json$/, rowIndex: 0 },
  byteOffset: MALFORMED.indexOf('"y"'),
  says: /JSON/i,
};

const ARRAY = ['{"data":{"name":"a0"}}', '{"data":{"name":}}', '{"data":{"name":"a2"}}'] as const;
const LONG_KEY = `${Array.from({ length: 9 }, () => "k".repeat(240)).join("/")}/x.jpg`;
const NAME_OF_BYTES = Buffer.concat([Buffer.from("caf"), Buffer.from([0xe9]), Buffer.from(".jpg")]);

/** A footer whose structs are nested a million deep. */
function nestedFooter(): Buffer {
  const length = Buffer.alloc(4);
  const footer = Buffer.alloc(1_000_000, 0x1c);
  length.writeUInt32LE(footer.length);
  return Buffer.concat([Buffer.from("PAR1"), footer, length, Buffer.from("PAR1")]);
}

/** A footer that claims to be longer than the file. */
function endlessFooter(): Buffer {
  return Buffer.concat([
    Buffer.from("PAR1....", "latin1"),
    Buffer.from([255, 255, 255, 127]),
    Buffer.from("PAR1"),
  ]);
}

function goodParquet(names: readonly string[]): Uint8Array {
  const columnData = [{ name: "name", data: [...names], type: "STRING" as const }];
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

const hostileParquet = (how: string, file: Buffer): ContentFault => ({
  fault: `a Parquet file with a hostile footer (${how})`,
  ...{ place: "s3", method: "tasks", status: "completed_with_errors", by: "sync" },
  content: [
    ["bad.parquet", file],
    ["good.json", task("good")],
  ],
  issues: [
    {
      code: "corrupt_data",
      key: /^bad\.parquet$/,
      rowIndex: null,
      says: /bad\.parquet cannot be read/,
    },
  ],
  tasks: ["good"],
  mended: [["bad.parquet", goodParquet(["p0", "p1"])]],
  after: ["good", "p0", "p1"],
});

/** One row per fault. */
export const CONTENT_FAULTS: readonly ContentFault[] = [
  {
    fault: "malformed JSON in the middle of 100 files, then mended and synced",
    ...{ place: "s3", method: "tasks", status: "completed_with_errors", by: "sync" },
    content: ONE_IS_MALFORMED,
    issues: [MALFORMED_ISSUE],
    tasks: NAMES.filter((name) => name !== "t050"),
    mended: [["t050.json", task("t050")]],
    after: NAMES,
  },
  {
    fault: "malformed JSON in the middle of 100 files, then mended and loaded again",
    ...{ place: "s3", method: "tasks", status: "completed_with_errors", by: "retryFailed" },
    content: ONE_IS_MALFORMED,
    issues: [MALFORMED_ISSUE],
    tasks: NAMES.filter((name) => name !== "t050"),
    mended: [["t050.json", task("t050")]],
    after: NAMES,
  },
  {
    fault: "an array with one bad element",
    ...{ place: "s3", method: "tasks", status: "completed_with_errors", by: "sync" },
    content: [["array.json", `[${ARRAY.join(",")}]`]],
    issues: [
      {
        ...{ code: "invalid_json", key: /^array\.json$/, rowIndex: 1 },
        byteOffset: `[${ARRAY[0]},{"data":{"name":`.length,
        says: /JSON/i,
      },
    ],
    tasks: ["a0", "a2"],
    mended: [["array.json", `[${ARRAY[0]},${task("a1")},${ARRAY[2]}]`]],
    after: ["a0", "a1", "a2"],
  },
  {
    fault: "U+0000 in a value",
    ...{ place: "s3", method: "tasks", status: "completed_with_errors", by: "sync" },
    content: [["rows.jsonl", `${task("a")}\n${task("b\u0000")}\n${task("c")}\n`]],
    issues: [{ code: "unstorable_text", key: /^rows\.jsonl$/, rowIndex: 1, says: /U\+0000/ }],
    tasks: ["a", "c"],
    mended: [["rows.jsonl", `${task("a")}\n${task("b")}\n${task("c")}\n`]],
    after: ["a", "b", "c"],
  },
  {
    fault: "an empty object and a folder marker, as task files",
    ...{ place: "s3", method: "tasks", status: "completed_with_errors", by: "sync" },
    content: [
      ["a.json", task("a")],
      ["folder/", ""],
      ["empty.json", ""],
    ],
    issues: [{ code: "empty_file", key: /^empty\.json$/, rowIndex: null, says: /empty/ }],
    tasks: ["a"],
    mended: [["empty.json", task("filled")]],
    after: ["a", "filled"],
  },
  {
    fault: "an empty object and a folder marker, as files",
    ...{ place: "s3", method: "files", status: "completed", by: "sync" },
    content: [
      ["a.jpg", "a"],
      ["folder/", ""],
      ["empty.jpg", ""],
    ],
    issues: [],
    tasks: ["a.jpg", "empty.jpg"],
    mended: [["b.jpg", "b"]],
    after: ["a.jpg", "b.jpg", "empty.jpg"],
  },
  hostileParquet("nested without end", nestedFooter()),
  hostileParquet("longer than the file", endlessFooter()),
  {
    fault: "media under the tasks method",
    ...{ place: "s3", method: "tasks", status: "failed", by: "sync" },
    content: [
      ["a.jpg", "a"],
      ["b.jpg", "b"],
    ],
    issues: ["a", "b"].map((name) => ({
      ...{ code: "not_a_task_file", key: new RegExp(`^${name}.jpg$`), rowIndex: null },
      says: /is not a JSON\/JSONL\/Parquet file\..*enable "Files" import method/s,
    })),
    tasks: [],
    mended: { patch: { use_blob_urls: true } },
    after: ["a.jpg", "b.jpg"],
  },
  {
    fault: "names that are not UTF-8",
    ...{ place: "localfiles", method: "files", status: "completed_with_errors", by: "sync" },
    content: [
      ["a.jpg", "a"],
      [NAME_OF_BYTES, "b"],
    ],
    issues: [{ code: "key_not_utf8", key: /^caf.*\.jpg$/, rowIndex: null, says: /rename/ }],
    tasks: ["a.jpg"],
    mended: [
      [NAME_OF_BYTES, undefined],
      ["café.jpg", "b"],
    ],
    after: ["a.jpg", "café.jpg"],
  },
  {
    fault: "a key of more than 2,000 bytes",
    ...{ place: "localfiles", method: "files", status: "completed_with_errors", by: "sync" },
    content: [
      ["a.jpg", "a"],
      [LONG_KEY, "b"],
      ["z.jpg", "z"],
    ],
    issues: [
      {
        ...{ code: "key_too_long", key: /^k+.*x\.jpg/, rowIndex: null },
        says: new RegExp(`${String(LONG_KEY.length)} bytes, at most 2000 are taken: rename`),
      },
    ],
    tasks: ["a.jpg", "z.jpg"],
    mended: [
      [LONG_KEY, undefined],
      ["short.jpg", "b"],
    ],
    after: ["a.jpg", "short.jpg", "z.jpg"],
  },
];
