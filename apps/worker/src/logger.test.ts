import { AppError, Secret } from "@bucketbridge/core";
import { describe, expect, it } from "vitest";
import { createLogger } from "./logger.ts";

function record(): { lines: () => Record<string, unknown>[]; write: (text: string) => void } {
  let text = "";
  return {
    lines: () =>
      text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    write: (chunk) => {
      text += chunk;
    },
  };
}

describe("the logger", () => {
  it("writes event, level and fields, those of parents included", () => {
    const out = record();
    const log = createLogger("info", { service: "worker" }, out).child({ runId: 17 });
    log.info({ page: 3 }, "import.page.done");
    log.debug({ page: 4 }, "import.page.done");
    expect(out.lines()).toMatchObject([
      { level: "info", msg: "import.page.done", service: "worker", runId: 17, page: 3 },
    ]);
    expect(out.lines()).toHaveLength(1);
  });

  it("lets no secret through, wherever it stands", () => {
    const out = record();
    const log = createLogger("debug", {}, out);
    const cause = Object.assign(new TypeError("GET https://x/?X-Amz-Signature=hunter2hunter2"), {
      config: { headers: { authorization: "Bearer hunter2hunter2" } },
    });
    const error = new AppError({ code: "internal", op: "storage.list", message: "failed", cause });
    log.error({ error, secret: "hunter2", settings: { token: "hunter2" } }, "import.failed");
    log.child({ password: "hunter2" }).warn({ key: new Secret("hunter2") }, "import.failed");
    const text = JSON.stringify(out.lines());
    expect(text).not.toContain("hunter2");
    expect(out.lines()[0]).toMatchObject({
      error: { code: "internal", op: "storage.list", cause: { name: "TypeError" } },
    });
  });
});
