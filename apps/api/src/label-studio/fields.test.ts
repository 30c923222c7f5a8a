import { describe, expect, it } from "vitest";
import { ApiError } from "../api-error.ts";
import { bodyOf, FieldReader, type RawFields } from "./fields.ts";

/** What a reader gives for one field, or its complaints. */
function read<T>(fields: RawFields, ask: (reader: FieldReader) => T): T | readonly string[] {
  const reader = new FieldReader(fields);
  const value = ask(reader);
  try {
    reader.finish();
  } catch (error) {
    if (error instanceof ApiError)
      return Object.values(error.validationErrors ?? {}).flat() as string[];
    throw error;
  }
  return value;
}

describe("FieldReader", () => {
  it.each([
    [true, true],
    ["true", true],
    ["True", true],
    ["1", true],
    [1, true],
    ["on", true],
    ["no", false],
    [0, false],
    ["", undefined],
    [null, undefined],
    [undefined, undefined],
    ["maybe", ["Must be a valid boolean."]],
    [[], ["Must be a valid boolean."]],
  ])("reads the boolean %j as %j", (value, expected) => {
    expect(read({ f: value }, (fields) => fields.boolean("f"))).toEqual(expected);
  });

  it.each([
    [5, 5],
    ["5", 5],
    [" 5 ", 5],
    ["5.0", 5],
    [null, null],
    [undefined, undefined],
    [5.5, ["A valid integer is required."]],
    ["x", ["A valid integer is required."]],
    ["", ["A valid integer is required."]],
    [true, ["A valid integer is required."]],
    ["99999999999999999999", ["A valid integer is required."]],
    [0, ["Ensure this value is greater than or equal to 1."]],
    [11, ["Ensure this value is less than or equal to 10."]],
  ])("reads the integer %j as %j", (value, expected) => {
    expect(read({ f: value }, (fields) => fields.integer("f", { min: 1, max: 10 }))).toEqual(
      expected,
    );
  });

  it.each([
    ["  x  ", "x"],
    [7, "7"],
    ["", ""],
    [null, null],
    [{}, ["Not a valid string."]],
    [true, ["Not a valid string."]],
    ["toolong", ["Ensure this field has no more than 5 characters."]],
    ["a\u0000", ["Null characters are not allowed."]],
    ["a\ud800", "a\ufffd"],
  ])("reads the text %j as %j", (value, expected) => {
    expect(read({ f: value }, (fields) => fields.text("f", { maxLength: 5 }))).toEqual(expected);
  });

  it.each([
    [undefined, "This field is required."],
    [null, "This field may not be null."],
    ["  ", "This field may not be blank."],
  ])("misses a required text in %j", (value, complaint) => {
    expect(read({ f: value }, (fields) => fields.text("f", { required: true }))).toEqual([
      complaint,
    ]);
  });

  it("reads JSON in a string as forms send it, and keeps a string that is none", () => {
    expect(read({ f: '{"a":[1]}' }, (fields) => fields.json("f"))).toEqual({ a: [1] });
    expect(read({ f: "plain" }, (fields) => fields.json("f"))).toBe("plain");
    expect(read({ f: { a: "\u0000" } }, (fields) => fields.json("f"))).toEqual([
      "Null characters are not allowed.",
    ]);
  });

  it("collects the complaints of all fields", () => {
    const reader = new FieldReader({ a: "x", b: "maybe" });
    reader.integer("a");
    reader.boolean("b");
    reader.choice("c", ["one"]);
    expect(() => {
      reader.finish();
    }).toThrow(
      expect.objectContaining({
        validationErrors: { a: ["A valid integer is required."], b: ["Must be a valid boolean."] },
      }),
    );
  });
});

describe("bodyOf", () => {
  it.each([
    [[], "list"],
    ["x", "str"],
    [5, "int"],
    [5.5, "float"],
    [null, "NoneType"],
    [true, "bool"],
  ])("refuses %j, a %s", (body, type) => {
    expect(() => bodyOf({ body })).toThrow(
      expect.objectContaining({
        validationErrors: {
          non_field_errors: [`Invalid data. Expected a dictionary, but got ${type}.`],
        },
      }),
    );
  });

  it("takes an empty body for no fields", () => {
    expect(bodyOf({ body: undefined })).toEqual({});
  });
});
