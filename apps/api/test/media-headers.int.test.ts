import { describe, expect, it } from "vitest";
import { useLocalStores } from "./fixtures/local-stores.ts";
import { useMediaProject } from "./fixtures/media-project.ts";
import { useApi } from "./harness.ts";

const PNG = "\x89PNG\r\n\x1a\n....";
const HTML = "<script>alert(1)</script>";

/** Key, what the store calls it, its bytes, what the proxy calls it, and how a browser takes it. */
const PROXIED: readonly (readonly [string, string, string, string, "inline" | "attachment"])[] = [
  ["a.png", "", PNG, "image/png", "inline"],
  ["b.jpg", "image/webp", "x", "image/webp", "inline"],
  ["c.mp3", "binary/octet-stream", "x", "audio/mpeg", "inline"],
  ["d.wav", "", "x", "audio/x-wav", "inline"],
  ["e.mp4", "", "x", "video/mp4", "inline"],
  ["f.pdf", "", "x", "application/pdf", "inline"],
  ["g.txt", "text/plain; charset=iso-8859-1", "x", "text/plain; charset=iso-8859-1", "inline"],
  ["h.json", "", "{}", "application/json", "inline"],
  ["i.csv", "", "x", "text/csv; charset=utf-8", "inline"],
  ["j.svg", "", "<svg/>", "image/svg+xml", "attachment"],
  ["k.html", "", HTML, "text/html; charset=utf-8", "attachment"],
  ["l.xhtml", "", HTML, "application/xhtml+xml", "attachment"],
  ["m.xml", "", "<x/>", "application/xml", "attachment"],
  ["n.js", "", "alert(1)", "text/javascript; charset=utf-8", "attachment"],
  ["o.png", "text/html", HTML, "text/html", "attachment"],
  ["p.png", "image/png,text/html", HTML, "image/png", "inline"],
  ["q", "", PNG, "image/png", "inline"],
  ["r", "", HTML, "application/octet-stream", "attachment"],
  ["s", "", "<svg xmlns='http://www.w3.org/2000/svg'/>", "application/octet-stream", "attachment"],
];

/** The same names where the store serves them itself: the type that the URL pins, if any. */
const PRESIGNED: readonly (readonly [string, string | null, "inline" | "attachment"])[] = [
  ["a.png", "image/png", "inline"],
  ["c.mp3", "audio/mpeg", "inline"],
  ["e.mp4", "video/mp4", "inline"],
  ["f.pdf", "application/pdf", "inline"],
  ["g.txt", "text/plain; charset=utf-8", "inline"],
  ["j.svg", "image/svg+xml", "attachment"],
  ["k.html", "text/html; charset=utf-8", "attachment"],
  ["n.js", "text/javascript; charset=utf-8", "attachment"],
  ["q", null, "attachment"],
];

const SAFE = {
  "x-content-type-options": "nosniff",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src 'self'; sandbox",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  vary: "Cookie, Authorization",
};

describe("headers of media", () => {
  const stores = useLocalStores(["loopback"]);
  const api = useApi("api_media_headers", stores.change);
  const media = useMediaProject(api, { presign: true });

  it.each(PROXIED)("of %s, stored as %j, through us", async (...row) => {
    const [key, stored, body, type, kind] = row;
    const { s3, patchSource, addTask, open } = media();
    s3.putObject(
      "cats",
      key,
      Buffer.from(body, "latin1"),
      stored === "" ? {} : { contentType: stored },
    );
    await patchSource({ presign: false });
    const reference = `s3://cats/${key}`;
    const task = await addTask({ media: reference });
    const { statusCode, headers } = await open(task, reference);
    expect(statusCode).toBe(200);
    expect(headers).toMatchObject({
      ...SAFE,
      "content-type": type,
      "cache-control": "private, no-cache",
      "accept-ranges": "bytes",
      "content-length": String(body.length),
    });
    expect(headers["content-disposition"]).toBe(`${kind}; filename*=UTF-8''${key}`);
    expect(headers["set-cookie"]).toBeUndefined();
    const asked = { "if-none-match": String(headers.etag) };
    const unchanged = await open(task, reference, { headers: asked });
    expect([unchanged.statusCode, unchanged.body]).toEqual([304, ""]);
    expect(unchanged.headers).toMatchObject({
      ...SAFE,
      etag: headers.etag,
      "cache-control": "private, no-cache",
    });
    const behind = await open(task, reference, { headers: { range: "bytes=999-" } });
    expect(behind.statusCode).toBe(416);
    expect(behind.headers).toMatchObject({
      ...SAFE,
      "content-range": `bytes */${String(body.length)}`,
    });
  });

  it.each(PRESIGNED)("of %s in a signed URL pin %j as %s", async (key, type, kind) => {
    const { addTask, open } = media();
    const reference = `s3://cats/${key}`;
    const task = await addTask({ media: reference });
    const { statusCode, headers } = await open(task, reference);
    expect(statusCode).toBe(303);
    expect(headers["cache-control"]).toBe("no-store, max-age=60");
    expect(headers["referrer-policy"]).toBe("no-referrer");
    expect(headers["set-cookie"]).toBeUndefined();
    const { searchParams } = new URL(String(headers.location));
    expect(searchParams.get("response-content-type")).toBe(type);
    expect(searchParams.get("response-content-disposition")).toMatch(new RegExp(`^${kind};`));
  });

  it("of refusals let nobody keep them", async () => {
    const { patchSource, addTask, open } = media();
    await patchSource({ presign: false });
    const task = await addTask({ media: "s3://cats/gone.png" });
    for (const [reference, status] of [
      ["s3://cats/gone.png", 424],
      ["s3://cats/other.png", 404],
    ] as const) {
      const { statusCode, headers } = await open(task, reference);
      expect([statusCode, headers["cache-control"]]).toEqual([status, "no-store"]);
      expect([headers.etag, headers["content-disposition"]]).toEqual([undefined, undefined]);
    }
  });
});
