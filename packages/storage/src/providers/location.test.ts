import { expect, test } from "vitest";
import { z } from "zod";
import { changedLocation, requiresSecretsAgain, splitSecrets } from "./location.ts";

const definition = {
  settings: z.object({
    bucket: z.string().nullish().meta({ location: true }),
    endpoint: z.string().nullish().meta({ location: true, host: true }),
    region: z.string().nullish(),
    key: z.string().nullish().meta({ secret: true }),
    document: z.object({ id: z.string() }).nullish().meta({ secret: true }),
  }),
};
const open = { settings: z.object({ path: z.string().meta({ location: true, host: true }) }) };

test("keeps secrets apart from what may be shown, and drops what is no field", () => {
  const values = { bucket: "b", region: null, key: "k", document: { id: "1" }, title: "t" };
  expect(splitSecrets(definition, values)).toEqual({
    settings: { bucket: "b", region: null },
    secrets: { key: "k", document: '{"id":"1"}' },
  });
});

test("stores no blank secret", () => {
  expect(splitSecrets(definition, { key: "", document: null }).secrets).toEqual({});
});

test.each([
  [{ bucket: "a" }, { bucket: "a", region: "eu", key: "new" }, false],
  [{ bucket: "a" }, { bucket: "b" }, true],
  [{ bucket: "a" }, { bucket: "a", endpoint: "http://x" }, true],
  [{ bucket: "a", endpoint: null }, { bucket: "a", endpoint: "" }, false],
])("says whether the location changed: %j to %j", (before, after, expected) => {
  expect(changedLocation(definition, before, after)).toBe(expected);
});

test("asks for the secrets again when another host would get them, and only then", () => {
  const before = { bucket: "a", endpoint: "http://x" };
  expect(requiresSecretsAgain(definition, before, { bucket: "a", endpoint: "http://y" })).toBe(
    true,
  );
  expect(requiresSecretsAgain(definition, before, { bucket: "a" })).toBe(true);
  expect(requiresSecretsAgain(definition, before, { bucket: "b", endpoint: "http://x" })).toBe(
    false,
  );
});

test("asks for no secrets where there are none", () => {
  expect(requiresSecretsAgain(open, { path: "/a" }, { path: "/b" })).toBe(false);
});
