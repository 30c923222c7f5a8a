import { describe, expect, test } from "vitest";
import { chooseMediaType, findMediaType, isShownInline } from "./media-type.ts";
import { sniffMediaType } from "./sniff-media-type.ts";

describe("the type of an object", () => {
  test.each([
    ["image/webp", "image/webp"],
    ["Text/CSV; header=present; charset=UTF-8", "text/csv; charset=utf-8"],
    ['text/plain; charset="utf-8"', "text/plain; charset=utf-8"],
    ["binary/octet-stream", "image/png"],
    ["application/octet-stream; x=y", "image/png"],
    ["", "image/png"],
    ["png", "image/png"],
    ["image/png; charset=\u0007", "image/png"],
    // Browsers take the last of several: https://fetch.spec.whatwg.org/#content-type-header
    ["image/gif, text/html", "image/png"],
    ["image/gif;x,text/html", "image/png"],
  ])("is, stored as %j under a .png, %s", (contentType, expected) => {
    expect(chooseMediaType({ key: "a/b.png", contentType })).toBe(expected);
  });
});

test("a name that ends like a member of every object says nothing", () => {
  expect(findMediaType("a.constructor")).toBeUndefined();
});

describe("a type is shown inline", () => {
  test.each([
    "image/png",
    "image/x-icon",
    "audio/x-wav",
    "video/mp4",
    "application/pdf",
    "application/json",
    "text/csv; charset=utf-8",
  ])("for %s", (type) => {
    expect(isShownInline(type)).toBe(true);
  });

  test.each([
    "image/svg+xml",
    "image/svg",
    "image/x+xml",
    "video/xhtml",
    "text/html; charset=utf-8",
    "text/plainhtml",
    "application/json+xml",
    "application/xml",
    "application/octet-stream",
  ])("never for %s", (type) => {
    expect(isShownInline(type)).toBe(false);
  });
});

describe("first bytes", () => {
  test.each([
    ["\xff\xd8\xff\xe0", "image/jpeg"],
    ["\x89PNG\r\n\x1a\n", "image/png"],
    ["RIFF\n\0\0\0WEBPVP8 ", "image/webp"],
    ["RIFF\0\0\0\0WAVEfmt ", "audio/x-wav"],
    ["\0\0\0\x20ftypisom", "video/mp4"],
    ["OggS", "audio/ogg"],
    ["%PDF-1.7", "application/pdf"],
  ])("%j say %s", (bytes, type) => {
    expect(sniffMediaType(Buffer.from(bytes, "latin1"))).toBe(type);
  });

  test.each(["<!doctype html>", "<svg xmlns", "<?xml ", "#!/bin/sh", "alert(1)", "", "{}"])(
    "%j say nothing",
    (bytes) => {
      expect(sniffMediaType(Buffer.from(bytes, "latin1"))).toBeUndefined();
    },
  );

  test("never say a type that could run, whatever follows them", () => {
    const polyglot = Buffer.from("GIF89a/*<script>alert(1)</script>*/=1", "latin1");
    const type = sniffMediaType(polyglot) ?? "";
    expect(type).toBe("image/gif");
    expect(isShownInline(type)).toBe(true);
  });
});
