import { jobs } from "@bucketbridge/contracts";
import { AppError } from "@bucketbridge/core";
import { describe, expect, it } from "vitest";
import { backoffOf, decideRetry } from "./retry-mapping.ts";

describe("decideRetry", () => {
  it("fails a job that never gets better, with code and message", () => {
    const error = new AppError({ code: "permission_denied", message: "s3://cats: access denied" });
    expect(decideRetry(error, false)).toEqual({
      kind: "fail",
      text: "permission_denied: s3://cats: access denied",
    });
  });

  it("shows the reason beside the code", () => {
    const error = new AppError({
      code: "permission_denied",
      reason: "egress.private_address",
      message: "refused",
    });
    expect(decideRetry(error, false)).toMatchObject({
      text: "permission_denied (egress.private_address): refused",
    });
  });

  it("retries what may pass", () => {
    const error = new AppError({ code: "unavailable", message: "s3 answered 503" });
    expect(decideRetry(error, false)).toEqual({
      kind: "retry",
      text: "unavailable: s3 answered 503",
    });
  });

  it("delays a rate-limited job for the time the store asked for, within bounds", () => {
    const after = (retryAfterMs?: number): AppError =>
      new AppError({ code: "rate_limited", message: "slow down", retryAfterMs });
    expect(decideRetry(after(300), false)).toEqual({ kind: "delay", delayMs: 300 });
    expect(decideRetry(after(), false)).toEqual({ kind: "delay", delayMs: 30_000 });
    expect(decideRetry(after(3_600_000), false)).toEqual({ kind: "delay", delayMs: 60_000 });
  });

  it("hands a job that a shutdown stopped to another worker at once", () => {
    const canceled = new AppError({ code: "canceled", message: "stopped" });
    expect(decideRetry(canceled, true)).toEqual({ kind: "delay", delayMs: 0 });
    expect(decideRetry(canceled, false).kind).toBe("fail");
  });

  it("shows nothing of an error that nobody vouches for", () => {
    const error = new TypeError("connect postgresql://bb:hunter2@db/bb");
    expect(JSON.stringify(decideRetry(error, false))).not.toContain("hunter2");
  });

  it("removes what looks secret from a message", () => {
    const error = new AppError({
      code: "invalid_input",
      message: "GET https://b.s3/x?X-Amz-Signature=abcdef012345 failed",
    });
    expect(JSON.stringify(decideRetry(error, false))).not.toContain("abcdef012345");
  });
});

describe("backoffOf", () => {
  it("doubles up to the cap, also after a thousand attempts", () => {
    const { policy } = jobs["import.run"];
    const waits = [1, 2, 3, 10, 1_000].map((attempt) => backoffOf(policy, attempt, () => 0));
    expect(waits).toEqual([1_000, 2_000, 4_000, 30_000, 30_000]);
  });

  it("takes the random share off", () => {
    const { policy } = jobs["import.run"];
    expect(backoffOf(policy, 1, () => 1)).toBe(500);
  });
});
