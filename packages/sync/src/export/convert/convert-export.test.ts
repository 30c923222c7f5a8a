import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CONVERTED_FORMATS,
  convertExport,
  readSnapshotTasks,
  type ConvertedFormat,
} from "./convert-export.ts";
import type { ControlTags } from "./converted-items.ts";

interface Case {
  readonly name: string;
  readonly config: string;
  readonly controls: readonly (readonly [name: string, type: string])[];
  /** JSON texts of one task each. */
  readonly tasks: readonly string[];
}

interface Recorded extends Case {
  /** What label-studio-sdk 2.1.2 made of it. */
  readonly expected: Readonly<Record<ConvertedFormat, string>>;
}

const recorded = JSON.parse(
  readFileSync(new URL("./recorded-conversions.json", import.meta.url), "utf8"),
) as readonly Recorded[];

async function* each(tasks: readonly string[]): AsyncGenerator<string> {
  for (const task of tasks) {
    await Promise.resolve();
    yield task;
  }
}

async function convert({ tasks, controls }: Case, format: ConvertedFormat): Promise<string> {
  const tags: ControlTags = new Map(controls.map(([name, type]) => [name, { type }]));
  const chunks: Uint8Array[] = [];
  for await (const chunk of convertExport(() => each(tasks), format, tags)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe.each(CONVERTED_FORMATS)(
  "%s is byte for byte what the SDK's converter writes",
  (format) => {
    test.each(recorded.map((one) => [one.name, one] as const))("%s", async (_name, one) => {
      expect(await convert(one, format)).toBe(one.expected[format]);
    });
  },
);

/** A Python with label-studio-sdk 2.1.2. */
const python = process.env["BUCKETBRIDGE_TEST_PYTHON"];

const SCRIPT = `
import sys, json, tempfile, os
from label_studio_sdk.converter import Converter
out = []
for case in json.load(sys.stdin):
    with tempfile.TemporaryDirectory() as d:
        src = os.path.join(d, "in.json")
        open(src, "w", encoding="utf8").write("[" + ",".join(case["tasks"]) + "]")
        converter = Converter(config=case["config"], project_dir=None, download_resources=False)
        made = {}
        for format in ("JSON_MIN", "CSV", "TSV"):
            folder = os.path.join(d, format)
            converter.convert(src, folder, format, is_dir=False)
            [name] = os.listdir(folder)
            made[format] = open(os.path.join(folder, name), encoding="utf8", newline="").read()
        out.append(made)
json.dump(out, sys.stdout)
`;

function askPython(cases: readonly Case[]): readonly Recorded["expected"][] {
  const input = JSON.stringify(cases);
  const options = { input, encoding: "utf8", maxBuffer: 1024 ** 3 } as const;
  return JSON.parse(execFileSync(python ?? "", ["-c", SCRIPT], options)) as Recorded["expected"][];
}

describe.skipIf(python === undefined)(
  "beside the converter itself (BUCKETBRIDGE_TEST_PYTHON)",
  () => {
    test("the recorded answers are still what it says", () => {
      expect(askPython(recorded)).toEqual(recorded.map(({ expected }) => expected));
    });

    test("any export gives the same bytes", async () => {
      const cases = fc.sample(arbitraryCase, 200);
      const answers = askPython(cases);
      for (const [index, one] of cases.entries())
        for (const format of CONVERTED_FORMATS)
          expect(await convert(one, format), one.tasks.join("\n")).toBe(answers[index]?.[format]);
    }, 120_000);
  },
);

const CONFIG =
  '<View><Text name="t" value="$text"/><Choices name="c" toName="t"/><TextArea name="a" toName="t"/><Labels name="l" toName="t"/></View>';
const text = fc.string({
  unit: fc.constantFrom(...Array.from("aé猫🎉\"\\/\n\r\t,;'=\u007f<&\u2028 ")),
});
const number = fc.oneof(
  fc.integer(),
  fc.constantFrom("1.0", "0.1", "1e16", "1e-7", "9007199254740993", "2.50", "-0.0", "1e-5", "1e15"),
  fc
    .double({ noDefaultInfinity: true, noNaN: true })
    // What has no point would be an integer, and the converter takes none beyond 64 bits.
    .map((value) => (/[.e]/.test(String(value)) ? String(value) : `${String(value)}.0`)),
);
/** Values as JSON texts: a number keeps its spelling. */
const leaf = fc.oneof(
  text.map((value) => JSON.stringify(value)),
  number.map((value) => (typeof value === "string" ? value : JSON.stringify(value))),
  fc.constantFrom("null", "true", "false", "{}", "[]", '{"b":1,"a":[1.0,"/"]}'),
);
const key = fc.constantFrom("text", "id", "c", "a", "image/url", "über", "Z");
const object = (value: fc.Arbitrary<string>, keys: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .uniqueArray(fc.tuple(keys, value), { selector: ([name]) => name, maxLength: 5 })
    .map(
      (entries) => `{${entries.map(([name, one]) => `${JSON.stringify(name)}:${one}`).join(",")}}`,
    );
const list = (value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.array(value, { maxLength: 3 }).map((items) => `[${items.join(",")}]`);
const textJson = text.map((value) => JSON.stringify(value));
const region = fc.oneof(
  list(textJson).map(
    (choices) => `{"from_name":"c","type":"choices","value":{"choices":${choices}}}`,
  ),
  list(textJson).map((lines) => `{"from_name":"a","type":"textarea","value":{"text":${lines}}}`),
  leaf.map(
    (start) =>
      `{"from_name":"l","original_width":7,"type":"labels","value":{"start":${start},"labels":["x"]}}`,
  ),
  fc.constantFrom(
    '{"from_name":"unknown","type":"choices","value":{"choices":["x"]}}',
    '{"type":"relation"}',
  ),
);
const annotation = fc
  .record({
    id: fc.nat(),
    regions: list(region),
    by: fc.constantFrom('{"id":1,"email":"a@example.com"}', "7", "null", '{"id":2}'),
    at: fc.constantFrom('"2026-01-01T00:00:00Z"', '"2026-01-02T00:00:00Z"'),
    lead: fc.constantFrom("null", "2.0", "3", "0.25"),
    cancelled: fc.boolean(),
  })
  .map(
    ({ id, regions, by, at, lead, cancelled }) =>
      `{"id":${String(id)},"result":${regions},"completed_by":${by},"created_at":${at},"updated_at":${at},"lead_time":${lead},"was_cancelled":${String(cancelled)}}`,
  );
const task = fc
  .tuple(fc.nat(), list(annotation), object(leaf, key), fc.boolean())
  .map(
    ([id, annotations, data, hasAgreement]) =>
      `{"id":${String(id)},"annotations":${annotations},"data":${data}${hasAgreement ? ',"agreement":0.5' : ""}}`,
  );
const arbitraryCase: fc.Arbitrary<Case> = fc
  .array(task, { minLength: 1, maxLength: 4 })
  .map((tasks) => ({
    name: "any",
    config: CONFIG,
    controls: [
      ["c", "Choices"],
      ["a", "TextArea"],
      ["l", "Labels"],
    ],
    tasks,
  }));

test("tasks are read from a snapshot however its bytes are cut", async () => {
  const file = Buffer.from('[\n{"a": "é"},\n{"b": "\\n"}\n]');
  for (let size = 1; size <= file.length; size++) {
    const body = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < file.length; at += size) {
        await Promise.resolve();
        yield file.subarray(at, at + size);
      }
    };
    const tasks: string[] = [];
    for await (const one of readSnapshotTasks(body())) tasks.push(one);
    expect(tasks).toEqual(['{"a": "é"}', '{"b": "\\n"}']);
  }
});
