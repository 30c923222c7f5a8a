import { AppError } from "@bucketbridge/core";
import { describe, expect, it } from "vitest";
import { isTransientConflict, toDatabaseError } from "./database-errors.ts";

const OP = "db.test";
const serverError = (code: string): Error =>
  Object.assign(new Error("said the server"), { code, severity: "ERROR", constraint: "some_key" });
const prismaError = (code: string, cause?: object): Error =>
  Object.assign(new Error("said Prisma"), {
    name: "PrismaClientKnownRequestError",
    code,
    meta: { driverAdapterError: { cause } },
  });

describe("toDatabaseError", () => {
  it.each([
    ["23505", "already_exists", "db.unique"],
    ["23503", "precondition_failed", "db.missing_parent"],
    ["23001", "precondition_failed", "db.still_referenced"],
    ["23514", "invalid_input", undefined],
    ["22P05", "invalid_input", "db.invalid_text"],
    ["22021", "invalid_input", "db.invalid_text"],
    ["40P01", "conflict", undefined],
    ["40001", "conflict", undefined],
    ["53300", "unavailable", undefined],
    ["55P03", "timeout", undefined],
    ["57014", "timeout", undefined],
    ["57P01", "unavailable", undefined],
    ["57P03", "unavailable", undefined],
    ["25P03", "unavailable", undefined],
    ["08006", "unavailable", undefined],
    ["28P01", "invalid_config", "db.login"],
    ["3D000", "invalid_config", "db.login"],
    ["42601", "internal", undefined],
    ["42501", "internal", undefined],
  ])("maps SQLSTATE %s of pg and of Prisma to %s", (state, code, reason) => {
    const expected = { code, reason, op: OP, context: { sqlState: state } };
    expect(toDatabaseError(serverError(state), OP)).toMatchObject(expected);
    expect(toDatabaseError(prismaError("P2010", { originalCode: state }), OP)).toMatchObject(
      expected,
    );
  });

  it.each([
    [prismaError("P1001"), "unavailable"],
    [prismaError("P2024"), "unavailable"],
    [prismaError("P2025"), "not_found"],
    [prismaError("P2028"), "timeout"],
    [prismaError("P2010", { kind: "DatabaseNotReachable" }), "unavailable"],
    [prismaError("P2010", { kind: "TlsConnectionError" }), "invalid_config"],
    [prismaError("P9999"), "internal"],
    [Object.assign(new Error("connect"), { code: "ECONNREFUSED" }), "unavailable"],
    [new Error("Connection terminated unexpectedly"), "unavailable"],
  ])("maps a failure without SQLSTATE: %s is %s", (error, code) => {
    expect(toDatabaseError(error, OP)).toMatchObject({ code, op: OP, cause: error });
  });

  it("shows nothing of what the server or Prisma said", () => {
    const error = toDatabaseError(prismaError("P2010", { originalCode: "23505" }), OP) as AppError;
    expect(error.message).not.toMatch(/said/);
    expect(JSON.stringify(error.context)).not.toMatch(/said/);
  });

  it("passes everything else through unchanged, wrapped errors included", () => {
    const wrapped = new AppError({ code: "conflict", message: "m", op: "first" });
    const ours = new TypeError("a bug");
    const file = Object.assign(new Error("no such file"), { code: "ENOENT", syscall: "open" });
    for (const error of [wrapped, ours, file, "text", undefined]) {
      expect(toDatabaseError(error, OP)).toBe(error);
    }
  });
});

describe("isTransientConflict", () => {
  it("is true for deadlocks and serialisation failures alone", () => {
    expect(isTransientConflict(serverError("40P01"))).toBe(true);
    expect(isTransientConflict(prismaError("P2010", { originalCode: "40001" }))).toBe(true);
    expect(isTransientConflict(serverError("55P03"))).toBe(false);
    expect(isTransientConflict(new Error("x"))).toBe(false);
  });
});
