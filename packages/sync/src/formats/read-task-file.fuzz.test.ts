import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReadCheckpoint, TaskFileItem } from "./items.ts";
import { readTaskFile } from "./read-task-file.ts";
import { findUnstorable } from "./storable.ts";

type Cuts = readonly number[];

/** Cuts bytes into chunks of the given sizes, over and over. */
async function* cut(bytes: Uint8Array, sizes: Cuts): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield await Promise.resolve(bytes.subarray(at, at + size));
    at += size;
  }
}

async function read(
  bytes: Uint8Array,
  sizes: Cuts,
  checkpoint?: ReadCheckpoint,
): Promise<TaskFileItem[]> {
  const from = checkpoint?.byteOffset ?? 0;
  const options =
    checkpoint === undefined
      ? { key: "k" }
      : { key: "k", checkpoint: { ...checkpoint, byteOffset: from } };
  const items: TaskFileItem[] = [];
  for await (const item of readTaskFile(cut(bytes.subarray(from), sizes), options))
    items.push(item);
  return items;
}

const blanks = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
const lineBlanks = fc.stringMatching(/^[ \t\r]{0,3}$/);
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom(
    '"',
    "\\",
    '\\"',
    "[{",
    "}]",
    ",",
    "\n",
    "data",
    "__proto__",
    "x".repeat(70),
    '\\\\"'.repeat(30),
  ),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    text,
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(text, tie("value"), { maxKeys: 4 }),
  ),
}));
/** Under one key that is not `data`: the element is its own task data. */
const task = fc
  .tuple(fc.constantFrom("a", "text", "é"), value)
  .map(([key, inner]) => ({ [key]: inner }));
const pretty = fc.constantFrom(undefined, 1, "\t");

/** What a row of this text must become. */
function judge(row: string): unknown {
  const parsed = parseWhole(row);
  return parsed === undefined ? "bad" : judgeValue(parsed);
}

function judgeValue(parsed: unknown): unknown {
  const isTask = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
  return isTask && findUnstorable(parsed) === undefined ? withoutNegativeZero(parsed) : "bad";
}

function outcome(item: TaskFileItem): unknown {
  return item.kind === "row" ? withoutNegativeZero(JSON.parse(item.row.data)) : item.kind;
}

/** JSON text that was written anew has 0 for -0. */
function withoutNegativeZero(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}

describe("reading documents that were cut anywhere", () => {
  it("finds the elements of every array", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(blanks, task, blanks, pretty)),
        sizes,
        async (elements, cuts) => {
          const rows = elements.map(([, element, , indent]) =>
            JSON.stringify(element, null, indent),
          );
          const body = elements
            .map(([before, , after], index) => before + (rows[index] ?? "") + after)
            .join(",");
          const bytes = Buffer.from(`[${body}]`);
          const items = await read(bytes, cuts);
          expect(items.map(outcome)).toEqual(rows.map(judge));
          items.forEach((item, index) => {
            expect(item.rowIndex).toBe(index);
            if (item.kind !== "row") return;
            expect(
              bytes
                .subarray(item.byteOffset ?? -1)
                .toString()
                .startsWith(rows[index] ?? ""),
            ).toBe(true);
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  it("finds the rows of all JSON Lines", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(lineBlanks, task, lineBlanks), { minLength: 2 }),
        sizes,
        async (lines, cuts) => {
          const rows = lines.map(([, element]) => JSON.stringify(element));
          const body = lines
            .map(([before, , after], index) => `${before}\n${rows[index] ?? ""}${after}`)
            .join("\n");
          expect((await read(Buffer.from(body), cuts)).map(outcome)).toEqual(rows.map(judge));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("finds the object of every document", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(blanks, task, blanks),
        pretty,
        sizes,
        async ([before, element, after], indent, cuts) => {
          const row = JSON.stringify(element, null, indent);
          expect((await read(Buffer.from(before + row + after), cuts)).map(outcome)).toEqual([
            judge(row),
          ]);
        },
      ),
      { numRuns: 300 },
    );
  });
});

const WOUNDS = ["{", "}", "[", "]", ",", ":", '"', "\\", "\n", " ", "0", "x", "e", "é"];

/** A file that was valid until some of its bytes were replaced, removed or added. */
const damaged = fc
  .tuple(
    fc.array(task, { minLength: 1, maxLength: 6 }),
    fc.constantFrom("array", "lines", "pretty array", "document"),
    fc.array(fc.tuple(fc.nat(), fc.nat(3), fc.constantFrom(...WOUNDS)), {
      maxLength: 3,
    }),
  )
  .map(([tasks, form, wounds]) => {
    let body =
      form === "array"
        ? JSON.stringify(tasks)
        : form === "lines"
          ? tasks.map((each) => JSON.stringify(each)).join("\n")
          : JSON.stringify(form === "document" ? tasks[0] : tasks, null, 1);
    for (const [place, removed, added] of wounds) {
      const at = place % (body.length + 1);
      body = body.slice(0, at) + added + body.slice(at + removed);
    }
    return Buffer.from(body);
  });

describe("reading damaged files", () => {
  it("gives the same items wherever the file was cut", async () => {
    await fc.assert(
      fc.asyncProperty(damaged, sizes, async (bytes, cuts) => {
        expect(await read(bytes, cuts)).toEqual(await read(bytes, [bytes.length + 1]));
      }),
      { numRuns: 500 },
    );
  });

  it("goes on from each checkpoint to the same end", async () => {
    await fc.assert(
      fc.asyncProperty(damaged, sizes, async (bytes, cuts) => {
        const items = await read(bytes, cuts);
        for (const [index, item] of items.entries()) {
          if (item.kind === "failure" || item.resumeOffset === null) continue;
          const checkpoint = { rowsRead: item.rowIndex + 1, byteOffset: item.resumeOffset };
          expect(await read(bytes, cuts, checkpoint)).toEqual(items.slice(index + 1));
        }
      }),
      { numRuns: 500 },
    );
  });

  it("reads all of a file that is valid and complains about one that is not", async () => {
    await fc.assert(
      fc.asyncProperty(damaged, sizes, async (bytes, cuts) => {
        const items = await read(bytes, cuts);
        const whole = parseWhole(bytes.toString());
        if (Array.isArray(whole)) expect(items.map(outcome)).toEqual(whole.map(judgeValue));
        else if (whole === undefined)
          expect(items.length > 1 || items[0]?.kind !== "row").toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("loses no line of JSON Lines but the broken ones", async () => {
    await fc.assert(
      fc.asyncProperty(damaged, sizes, async (bytes, cuts) => {
        const lines = `{"first":1}\n${bytes.toString()}`.split("\n");
        const rows = lines.filter((line) => line.trim() !== "");
        expect((await read(Buffer.from(lines.join("\n")), cuts)).map(outcome)).toEqual(
          rows.map(judge),
        );
      }),
      { numRuns: 500 },
    );
  });
});

function parseWhole(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
