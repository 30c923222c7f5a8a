import { describe, expect, it } from "vitest";
import { readElement, type TaskElement } from "./element.ts";
import { readJsonText } from "./json-value.ts";

function element(document: unknown): TaskElement {
  return elementOf(JSON.stringify(document));
}

function elementOf(text: string): TaskElement {
  const reading = readJsonText(text);
  return reading.ok ? readElement(reading.value, reading.text, 3) : { ok: false, problem: reading };
}

const RESULT = [{ id: "r1", type: "choices", value: { choices: ["cat"] } }];

describe("a task document", () => {
  it("is its own data when it has no object under data", () => {
    const plain = { rowIndex: 3, meta: null, allowSkip: true, annotations: [], predictions: [] };
    expect(element({ image: "a.jpg", id: 7 })).toEqual({
      ok: true,
      row: { ...plain, data: '{"image":"a.jpg","id":7}' },
      issue: null,
    });
    for (const data of ["text", null, 7, [1]]) {
      expect(element({ data, x: 1 })).toMatchObject({
        ok: true,
        row: { data: JSON.stringify({ data, x: 1 }) },
      });
    }
    expect(element({ x: 1, annotations: [], predictions: [] })).toMatchObject({
      row: { data: '{"x":1,"annotations":[],"predictions":[]}' },
    });
  });

  it("gives the object under data, and what stands beside it", () => {
    const document = {
      id: 12,
      data: { text: "x" },
      meta: { source: "y" },
      allow_skip: false,
      other: 1,
    };
    expect(element(document)).toMatchObject({
      ok: true,
      row: { rowIndex: 3, data: '{"text":"x"}', meta: '{"source":"y"}', allowSkip: false },
      issue: null,
    });
    expect(element({ data: {}, meta: "text" })).toMatchObject({
      row: { data: "{}", meta: null, allowSkip: true },
    });
  });

  it.each([
    [{ text: "x", annotations: [{ result: [] }] }, "annotations"],
    [{ text: "x", predictions: [{ result: [] }], annotations: [1] }, "predictions"],
    [{ data: "x", predictions: "some" }, "predictions"],
  ])("needs data beside annotations and predictions: %j", (document, field) => {
    expect(element(document)).toEqual({
      ok: false,
      problem: {
        code: "data_missing",
        message: `If you use "${field}" field in the task, you must put "data" field in the task too`,
      },
    });
  });

  it.each([
    [null, "null"],
    [[1], "a list"],
    [5, "a number"],
    ["x", "a string"],
    [true, "a boolean"],
  ])("is no task when it is %j", (document, name) => {
    expect(element(document)).toMatchObject({
      ok: false,
      problem: {
        code: "not_an_object",
        message: expect.stringContaining(`it is ${name}`) as string,
      },
    });
  });
});

describe("annotations in a task document", () => {
  it("keep what the contract keeps", () => {
    const annotation = {
      id: 88,
      unique_id: "u",
      created_at: "2026-01-01",
      completed_by: 5,
      result: RESULT,
      was_cancelled: true,
      ground_truth: true,
      lead_time: 1.5,
    };
    expect(annotations([annotation])).toEqual([
      {
        resultJson: JSON.stringify(RESULT),
        wasCancelled: true,
        groundTruth: true,
        leadTime: 1.5,
        completedBy: 5,
        importId: 88,
      },
    ]);
  });

  it("stay when their fields have the wrong type, without those fields", () => {
    const odd = {
      id: "x",
      completed_by: "nobody",
      was_cancelled: "no",
      ground_truth: 1,
      lead_time: "long",
    };
    expect(annotations([odd])).toEqual([
      {
        resultJson: "[]",
        wasCancelled: false,
        groundTruth: false,
        leadTime: null,
        completedBy: null,
        importId: null,
      },
    ]);
  });

  it.each([
    [7, 7],
    ["a@b.c", "a@b.c"],
    [{ id: 7, email: "a@b.c" }, "a@b.c"],
    [{ id: 7, email: "" }, 7],
    [{ id: 7 }, 7],
    [{}, null],
    [null, null],
    [0, null],
    [1.5, null],
    [3_000_000_000, null],
  ])("name who completed them: %j is %j", (value, person) => {
    expect(annotations([{ result: [], completed_by: value }])).toMatchObject([
      { completedBy: person },
    ]);
  });

  it("take a result that is a JSON list in a string", () => {
    expect(annotations([{ result: '[{"a":12345678901234567890}]' }])).toMatchObject([
      { resultJson: '[{"a":12345678901234567890}]' },
    ]);
  });

  it.each([
    [[{ result: "text" }], "annotation 0 has a result that is no list", 0],
    [[{ result: {} }, { result: [] }], "annotation 0 has a result that is no list", 1],
    [[{ result: String.raw`["\u0000"]` }], "annotation 0 has a result", 0],
    [[{ result: `${"[".repeat(600)}${"]".repeat(600)}` }], "annotation 0 has a result", 0],
    [
      [{ result: [] }, 7, null],
      "annotation 1 is a number, not an object: the task was loaded without 2 of its",
      1,
    ],
    ["text", '"annotations" is a string, not a list', 0],
    [{ a: 1 }, '"annotations" is an object, not a list', 0],
  ])(
    "are left out with an issue when nothing of them can be kept: case %#",
    (list, words, kept) => {
      const read = element({ data: { text: "x" }, annotations: list });
      expect(read).toMatchObject({
        ok: true,
        row: { data: '{"text":"x"}' },
        issue: { code: "annotation_invalid", message: expect.stringContaining(words) as string },
      });
      expect(read.ok && read.row.annotations).toHaveLength(kept);
    },
  );

  it("keep integers beyond 2^53 digit by digit", () => {
    const text =
      '{"data":{"n":9007199254740993},"meta":{"m":-9007199254740993},"annotations":[{"result":[18446744073709551615]}]}';
    expect(elementOf(text)).toMatchObject({
      row: {
        data: '{"n":9007199254740993}',
        meta: '{"m":-9007199254740993}',
        annotations: [{ resultJson: "[18446744073709551615]" }],
      },
    });
    expect(elementOf('{"data":9007199254740993}')).toMatchObject({
      row: { data: '{"data":9007199254740993}' },
    });
  });

  function annotations(list: unknown): unknown {
    const read = element({ data: {}, annotations: list });
    expect(read).toMatchObject({ ok: true, issue: null });
    return read.ok ? read.row.annotations : undefined;
  }
});

describe("predictions in a task document", () => {
  it("keep result, score and version", () => {
    const predictions = [
      { result: RESULT, score: 0.5, model_version: "v1" },
      { model_version: 2 },
      { result: "[]" },
    ];
    expect(element({ data: {}, predictions })).toMatchObject({
      issue: null,
      row: {
        predictions: [
          { resultJson: JSON.stringify(RESULT), score: 0.5, modelVersion: "v1" },
          { resultJson: "[]", score: null, modelVersion: "2" },
          { resultJson: "[]", score: null, modelVersion: null },
        ],
      },
    });
  });

  it("are left out with an issue when nothing of them can be kept", () => {
    expect(element({ data: {}, predictions: [[]] })).toMatchObject({
      ok: true,
      row: { predictions: [] },
      issue: { code: "prediction_invalid" },
    });
  });
});
