import { describe, expect, it } from "vitest";
import { parseLabelConfig, readSavedConfig, toControlWeights } from "./label-config.ts";

const CATS =
  '<View><Image name="i" value="$image"/><Choices name="c" toName="i"><Choice value="cat"/><Choice value="dog"/></Choices></View>';

describe("parseLabelConfig", () => {
  it("gives the recorded parsed_label_config and control_weights", () => {
    const { controls, isSuitableForBulk } = readSavedConfig(CATS);
    expect(JSON.stringify(controls)).toBe(
      '{"c":{"type":"Choices","to_name":["i"],"inputs":[{"type":"Image","valueType":null,"value":"image"}],"labels":["cat","dog"],"labels_attrs":{"cat":{"value":"cat"},"dog":{"value":"dog"}}}}',
    );
    expect(JSON.stringify(toControlWeights(controls))).toBe(
      '{"c":{"overall":1,"type":"Choices","labels":{"cat":1,"dog":1}}}',
    );
    expect(isSuitableForBulk).toBe(true);
  });

  it("takes labels through containers and by their alias", () => {
    const { controls } = readSavedConfig(
      '<View><Image name="i" value="$image"/><RectangleLabels name="r" toName="i"><View><Label value="Car" alias="car" background="red"/></View></RectangleLabels></View>',
    );
    expect(controls["r"]?.labels).toEqual(["car"]);
    expect(controls["r"]?.labels_attrs).toEqual({
      car: { value: "Car", alias: "car", background: "red" },
    });
  });

  it("keeps the condition of a control per region", () => {
    const { controls, isSuitableForBulk } = readSavedConfig(
      '<View><Image name="i" value="$image"/><Choices name="c" toName="i" perRegion="true" whenTagName="r"/></View>',
    );
    expect(controls["c"]?.conditionals).toEqual({ type: "tag", name: "r" });
    expect(isSuitableForBulk).toBe(false);
  });

  it.each([
    ["an object tag", '<View><Text name="t" value="$text"/></View>', ["text"]],
    ["a text around the variable", '<View><Header name="h" value="See $url now"/></View>', ["url"]],
    [
      "the first of two",
      '<View><Image name="a" value="$x"/><Text name="b" value="$y"/></View>',
      ["x", "y"],
    ],
    ["no name", '<View><Header value="$title"/></View>', []],
    ["no variable", '<View><Header name="h" value="Hello"/></View>', []],
    ["an element of a list", '<View><Image name="a" value="$images[{{idx}}]"/></View>', ["images"]],
  ])("derives the data keys of %s", (_name, text, keys) => {
    expect(readSavedConfig(text).dataKeys).toEqual(keys);
  });

  it.each([
    ["<View><Image", "unclosed token: line 1, column 6"],
    ["<View>\n  <Image", "unclosed token: line 2, column 2"],
    ["<View><a></View>", /^mismatched tag: line 1, column \d+$/],
    ["", "no element found: line 1, column 0"],
    ["<View/><b/>", /^junk after document element: line 1/],
    ["<View>&x;</View>", /^undefined entity: line 1/],
    ["<View a=1/>", /^not well-formed \(invalid token\): line 1/],
    [
      '<View><Text name="a" value="$x"/><Text name="a" value="$y"/></View>',
      "Label config contains non-unique names",
    ],
    [
      '<View><Text name="t" value="$x"/><Choices name="c" toName="z"/></View>',
      "toName=\"z\" not found in names: ['c', 't']",
    ],
  ])("complains about %s", (text, problem) => {
    expect(parseLabelConfig(text)).toEqual({
      problem: typeof problem === "string" ? problem : (expect.stringMatching(problem) as unknown),
    });
  });

  it("refuses a tree that is deeper than any page", () => {
    const text = `${"<View>".repeat(50_000)}${"</View>".repeat(50_000)}`;
    expect(parseLabelConfig(text)).toEqual({
      problem: expect.stringContaining("nested too deeply") as unknown,
    });
  });

  it("expands no entities", () => {
    const bomb = '<!DOCTYPE v [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><View>&b;</View>';
    expect(parseLabelConfig(bomb)).toEqual({
      problem: expect.stringContaining("undefined entity") as unknown,
    });
  });
});
