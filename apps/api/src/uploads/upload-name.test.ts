import fc from "fast-check";
import { expect, test } from "vitest";
import { toSafeName, toUploadName } from "./upload-name.ts";

test.each([
  ["cat pic.png", "cat_pic.png"],
  ["C:\\Users\\me\\cat.png", "cat.png"],
  ["../../etc/passwd", "passwd"],
  ["größe.jpg", "größe.jpg"],
  [".htaccess", "htaccess"],
  ["..", "file"],
  ["<img src=x>.svg", "img_srcx.svg"],
  ["", "file"],
])("%j is kept as %j", (given, expected) => {
  expect(toSafeName(given)).toBe(expected);
});

test("a long name keeps its ending", () => {
  expect(toSafeName(`${"x".repeat(300)}.tiff`)).toBe(`${"x".repeat(115)}.tiff`);
});

test("no name is a path, a hidden file or longer than a key may be", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 400 }), (given) => {
      const name = toUploadName(given);
      expect(name).toMatch(/^[0-9a-f]{8}-[\p{L}\p{M}\p{N}_-][\p{L}\p{M}\p{N}_.-]*$/u);
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(130);
    }),
  );
});
