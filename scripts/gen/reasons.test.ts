import { expect, it } from "vitest";
import { readUses } from "./reasons.ts";

it("reads a reason with what stands beside it", () => {
  const source = `throw new AppError({
    code: "not_found", reason: "s3.no_bucket",
    message: \`the bucket \${name} is not there; \` + "check it",
  });`;
  expect(readUses(source)).toEqual([
    {
      reason: "s3.no_bucket",
      codes: ["not_found"],
      says: "the bucket … is not there; check it",
      hint: undefined,
    },
  ]);
});

it("reads tables of stores", () => {
  const source = `const A: ErrorClass = { code: "timeout", reason: "s3.slow", detail: "too slow", hint: "wait" };`;
  expect(readUses(source)).toEqual([
    { reason: "s3.slow", codes: ["timeout"], says: "too slow", hint: "wait" },
  ]);
});

it("leaves other reasons alone", () => {
  expect(readUses(`counts.push({ reason: "filtered", n: 1 }); f({ reason: "s3." });`)).toEqual([]);
});
