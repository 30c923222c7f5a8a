import { inspect } from "node:util";
import { Secret } from "@bucketbridge/core";
import { describe, expect, it } from "vitest";
import { KeyRing } from "./key-ring.ts";

const key = (fill: number): string => Buffer.alloc(32, fill).toString("base64");
const ringOf = (list: string): KeyRing => KeyRing.parse(new Secret(list));
const owner = { organizationId: 7, storageId: 42 };
const fields = { aws_secret_access_key: "geheim-ü-🗝" };
const unreadable: unknown = expect.objectContaining({
  code: "invalid_config",
  reason: "secret.unreadable",
});

describe("KeyRing", () => {
  it("opens what it sealed", () => {
    const ring = ringOf(`k1:${key(1)}`);
    expect(ring.open(ring.seal(fields, owner), owner).reveal()).toEqual(fields);
  });

  it("never seals the same fields to the same bytes", () => {
    const ring = ringOf(`k1:${key(1)}`);
    expect(ring.seal(fields, owner)).not.toEqual(ring.seal(fields, owner));
  });

  it("gives no fields where no secrets were saved", () => {
    expect(
      ringOf(`k1:${key(1)}`)
        .open(null, owner)
        .reveal(),
    ).toEqual({});
  });

  it("encrypts with the first key and decrypts with all of them", () => {
    const before = ringOf(`old:${key(1)}`);
    const rotated = ringOf(`new:${key(2)}, old:${key(1)}`);
    expect(rotated.open(before.seal(fields, owner), owner).reveal()).toEqual(fields);
    expect(() => before.open(rotated.seal(fields, owner), owner)).toThrow(unreadable);
  });

  it.each([
    ["another storage", { organizationId: 7, storageId: 43 }],
    ["another organisation", { organizationId: 8, storageId: 42 }],
  ])("does not open secrets that were copied to %s", (_name, other) => {
    const ring = ringOf(`k1:${key(1)}`);
    expect(() => ring.open(ring.seal(fields, owner), other)).toThrow(unreadable);
  });

  it("does not open secrets whose key is lost, and says which key it was", () => {
    const sealed = ringOf(`k1:${key(1)}`).seal(fields, owner);
    expect(() => ringOf(`k2:${key(2)}`).open(sealed, owner)).toThrow(/key "k1"/);
    expect(() => ringOf(`k1:${key(2)}`).open(sealed, owner)).toThrow(unreadable);
  });

  it("notices every changed byte and every shorter text", () => {
    const ring = ringOf(`k1:${key(1)}`);
    const sealed = ring.seal(fields, owner);
    for (let index = 0; index < sealed.length; index++) {
      const changed = Uint8Array.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => ring.open(changed, owner)).toThrow(unreadable);
      expect(() => ring.open(sealed.slice(0, index), owner)).toThrow(unreadable);
    }
  });

  it.each([
    ["nothing", ""],
    ["no id", key(1)],
    ["no key", "k1:"],
    ["a short key", `k1:${Buffer.alloc(16).toString("base64")}`],
    ["a long key", `k1:${Buffer.alloc(33).toString("base64")}`],
    ["the same id twice", `k1:${key(1)},k1:${key(2)}`],
  ])("refuses a list with %s without repeating it", (_name, list) => {
    expect(() => ringOf(list)).toThrow(expect.objectContaining({ code: "invalid_config" }));
    expect(() => ringOf(list)).not.toThrow(new RegExp(key(1).slice(0, 8)));
  });

  it("shows no key and no secret", () => {
    const ring = ringOf(`k1:${key(1)}`);
    const opened = ring.open(ring.seal(fields, owner), owner);
    const shown = inspect({ ring, opened }, { depth: 9, showHidden: true });
    expect(shown).not.toContain("geheim");
    expect(shown).not.toContain(key(1));
  });
});
