import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { findCanary, makeCanary, toCanary } from "./canary.ts";

const canary = makeCanary();

it.each([
  ["as it is", (value: string) => `before ${value} after`, "plain"],
  ["in a URL", (value: string) => `https://x/?a=${encodeURIComponent(value)}&b`, "url"],
  ["in a form", (value: string) => String(new URLSearchParams({ a: value })), "form"],
  ["in JSON", (value: string) => JSON.stringify({ a: `x"${value}` }), "json"],
  ["in hex", (value: string) => Buffer.from(`a${value}b`).toString("hex"), "hex"],
])("finds the secret %s", (_where, hide, form) => {
  expect(findCanary(hide(canary.value), canary)).toContain(form);
});

it.each([0, 1, 2, 3, 4, 5])("finds the secret inside Base64 after %i other bytes", (lead) => {
  const text = Buffer.from("u".repeat(lead) + canary.value + ":tail");
  expect(findCanary(text.toString("base64"), canary)).not.toEqual([]);
  expect(findCanary(text.toString("base64url"), canary)).not.toEqual([]);
});

it("finds nothing where there is nothing", () => {
  expect(findCanary(`before ${makeCanary().value} after`, canary)).toEqual([]);
  expect(findCanary(gzipSync("nothing"), canary)).toEqual([]);
});

it("finds a secret in bytes that are no text", () => {
  const bytes = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(canary.value)]);
  expect(findCanary(bytes, canary)).toContain("plain");
});

it("keeps quotes apart from their JSON form", () => {
  const value = 'pass"word\\longer';
  expect(findCanary(JSON.stringify(value), toCanary(value))).toEqual(["json"]);
});
