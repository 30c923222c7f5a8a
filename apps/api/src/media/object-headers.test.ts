import { expect, test } from "vitest";
import { mediaTypeOf } from "./media-type.ts";
import { toObjectHeaders } from "./object-headers.ts";

function dispositionOf(name: string): string | undefined {
  return toObjectHeaders(mediaTypeOf(name), name)["content-disposition"]?.split(";", 1)[0];
}

test.each(["a.png", "b.MP3", "c.mp4", "d.pdf", "e.txt", "f.json", "g.csv", "h.jsonl"])(
  "shows %s inline",
  (name) => {
    expect(dispositionOf(name)).toBe("inline");
  },
);

test.each(["a.svg", "b.html", "c.xhtml", "d.xml", "e.js", "f.htm", "g", "h.exe", "i.png.html"])(
  "makes a download of %s",
  (name) => {
    expect(dispositionOf(name)).toBe("attachment");
  },
);

test("keeps scripts of an object away from our origin", () => {
  const headers = toObjectHeaders("text/html; charset=utf-8", "x/evil.html");
  expect(headers["content-security-policy"]).toMatch(/default-src 'none'.*sandbox/);
  expect(headers["x-content-type-options"]).toBe("nosniff");
});

test("writes any name as a header value of plain ASCII", () => {
  const headers = toObjectHeaders("image/png", 'x/ä "q"\r\nSet-Cookie: a=b\ud800.png');
  expect(headers["content-disposition"]).toMatch(/^inline; filename\*=UTF-8''[A-Za-z0-9%._~!-]+$/);
});
