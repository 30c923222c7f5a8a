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

describe("the logger of the API", () => {
  it("writes event, level and fields, those of parents included", () => {
    const out = record();
    const log = createLogger("info", { service: "api" }, out).child({ reqId: "r1" });
    log.info({ status: 200 }, "http.request.done");
    log.debug({ status: 200 }, "http.request.done");
    expect(out.lines()).toMatchObject([
      { level: "info", msg: "http.request.done", service: "api", reqId: "r1", status: 200 },
    ]);
    expect(out.lines()).toHaveLength(1);
  });

  it("lets no secret through, wherever it stands", () => {
    const out = record();
    const log = createLogger("debug", { token: "hunter2" }, out);
    const cause = Object.assign(new TypeError("GET https://x/?X-Amz-Signature=hunter2hunter2"), {
      config: { headers: { authorization: "Bearer hunter2hunter2" } },
    });
    const error = new AppError({ code: "internal", op: "storage.list", message: "failed", cause });
    log.error({ err: error, secret: "hunter2", settings: { token: "hunter2" } }, "request.failed");
    log.error(error, "request.failed");
    log.child({ password: "hunter2" }).warn({ key: new Secret("hunter2") }, "request.failed");
    expect(JSON.stringify(out.lines())).not.toContain("hunter2");
    expect(out.lines()[0]).toMatchObject({
      err: { code: "internal", op: "storage.list", cause: { name: "TypeError" } },
    });
  });
});
