import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasReference, replaceReferences } from "./references.ts";

const PREFIXES = ["s3://cats/", "gs://dogs/"];

function mark(data: unknown): unknown {
  return replaceReferences(data, PREFIXES, (reference) => `<${reference}>`);
}

describe("replaceReferences", () => {
  it.each([
    ["a whole value", "s3://cats/a b.png", "<s3://cats/a b.png>"],
    ["a whole value between blanks", " s3://cats/a.png ", " <s3://cats/a.png> "],
    ["a key with quotes in it", `s3://cats/it's "a".png`, `<s3://cats/it's "a".png>`],
    ["a key with a question mark and escapes", "s3://cats/a?b%20c#d", "<s3://cats/a?b%20c#d>"],
    [
      "several by commas",
      "s3://cats/a.png, gs://dogs/b.png",
      "<s3://cats/a.png>, <gs://dogs/b.png>",
    ],
    [
      "several by white space",
      "s3://cats/a.png\ngs://dogs/b.png",
      "<s3://cats/a.png>\n<gs://dogs/b.png>",
    ],
    ["a comma inside a key", "s3://cats/a,b.png", "<s3://cats/a,b.png>"],
    [
      "HTML attributes",
      `<img src="s3://cats/a b.png"><a href='gs://dogs/b'>`,
      `<img src="<s3://cats/a b.png>"><a href='<gs://dogs/b>'>`,
    ],
    [
      "the key that a browser reads in an attribute",
      `<img src = "s3://cats/a&amp;b&#39;&#x1F431;&lt;.png"> "s3://cats/a&amp;b"`,
      `<img src = "<s3://cats/a&b'\u{1F431}<.png>"> "<s3://cats/a&amp;b>"`,
    ],
    [
      "an ampersand that is no character reference",
      `<img src="s3://cats/a&b;&copy;&#9999999;.png">`,
      `<img src="<s3://cats/a&b;&copy;&#9999999;.png>">`,
    ],
    ["no character reference in a whole value", "s3://cats/a&amp;b", "<s3://cats/a&amp;b>"],
    ["an attribute without quotes", "<img src=s3://cats/a.png>", "<img src=<s3://cats/a.png>>"],
    ["a sentence", "see s3://cats/a.png.", "see <s3://cats/a.png>."],
    ["Markdown", "![cat](s3://cats/a (1.png)", "![cat](<s3://cats/a (1.png>)"],
    ["another bucket", "s3://lions/a.png", "s3://lions/a.png"],
    ["a longer bucket name", "s3://cats2/a.png", "s3://cats2/a.png"],
    ["an upper-case scheme", "S3://cats/a.png", "S3://cats/a.png"],
    ["a quote that never closes", `<img src="s3://cats/a.png`, `<img src="<s3://cats/a.png>`],
  ])("finds %s", (_name, text, expected) => {
    expect(mark(text)).toBe(expected);
  });

  it("goes through objects and arrays and leaves keys alone", () => {
    const data = { "s3://cats/key": [{ deep: "s3://cats/a.png" }, 1, null, true], other: "x" };
    expect(mark(data)).toEqual({
      "s3://cats/key": [{ deep: "<s3://cats/a.png>" }, 1, null, true],
      other: "x",
    });
  });

  it("keeps what it does not change, and never changes what it was given", () => {
    const data = Object.freeze({ image: "s3://cats/a.png", meta: Object.freeze({ n: 1 }) });
    const marked = mark(data) as typeof data;
    expect(marked.meta).toBe(data.meta);
    expect(data.image).toBe("s3://cats/a.png");
    expect(mark(data.meta)).toBe(data.meta);
  });

  it("sets a key named __proto__ like any other", () => {
    const data: unknown = JSON.parse('{"__proto__": "s3://cats/a.png"}');
    expect(JSON.stringify(mark(data))).toBe('{"__proto__":"<s3://cats/a.png>"}');
  });

  it("finds again what it found, whatever stands around it", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        const text = `${before}s3://cats/${after}`;
        const found: string[] = [];
        replaceReferences(text, PREFIXES, (reference) => {
          found.push(reference);
          return undefined;
        });
        for (const reference of found) {
          expect(hasReference({ deep: [text] }, PREFIXES, reference)).toBe(true);
        }
        expect(found.length).toBeGreaterThan(0);
      }),
    );
  });

  // Minutes where each reference looks through the rest of the text, far below a second where it does not.
  it.each(["x s3://cats/a.png ", "(s3://cats/a.png ", "s3://cats/a.png,"])(
    "is not slowed down by a text full of %j",
    (piece) => {
      const text = `see ${piece.repeat(200_000)}`;
      expect(hasReference(text, PREFIXES, "s3://cats/none.png")).toBe(false);
    },
  );
});
