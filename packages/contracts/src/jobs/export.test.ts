import { describe, expect, it } from "vitest";
import { exportLabel, exportPush, exportSync, pushLabel } from "./export.ts";

describe("labels of export jobs", () => {
  it("name provider, title and what the job is", () => {
    const target = { provider: "s3", title: "annotations" };
    expect(exportLabel({ ...target, number: 17 })).toBe("export · s3 annotations · run 17");
    expect(pushLabel(target)).toBe("export · s3 annotations · push");
    expect(pushLabel({ provider: "s3", title: null })).toBe("export · s3 · push");
  });

  it("fit into their payloads whatever the title", () => {
    const target = { provider: "localfiles", title: "😀".repeat(500) };
    const ids = { v: 1, organizationId: 1, targetId: 1 };
    const run = { ...ids, runId: 1, label: exportLabel({ ...target, number: 123_456 }) };
    expect(exportSync.payload.safeParse(run).success).toBe(true);
    expect(exportPush.payload.safeParse({ ...ids, label: pushLabel(target) }).success).toBe(true);
  });
});
