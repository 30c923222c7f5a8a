import { describe, expect, it } from "vitest";
import { importLabel, importRun } from "./import.ts";

describe("importLabel", () => {
  it("names provider, title and number", () => {
    expect(importLabel({ provider: "s3", title: "cats-bucket", number: 17 })).toBe(
      "import · s3 cats-bucket · run 17",
    );
  });

  it("leaves out a missing or blank title", () => {
    expect(importLabel({ provider: "s3", title: null, number: 1 })).toBe("import · s3 · run 1");
    expect(importLabel({ provider: "s3", title: "  ", number: 1 })).toBe("import · s3 · run 1");
  });

  it("cuts a long title, also inside a surrogate pair, and keeps the number", () => {
    for (const title of ["x".repeat(500), "😀".repeat(500), `x${"😀".repeat(500)}`]) {
      const label = importLabel({ provider: "localfiles", title, number: 123_456 });
      expect(label.endsWith(" · run 123456")).toBe(true);
      expect(label.isWellFormed()).toBe(true);
      expect(
        importRun.payload.safeParse({ v: 1, organizationId: 1, runId: 1, label }).success,
      ).toBe(true);
    }
  });
});
