import { expect, it } from "vitest";
import { makeRecordingLogger } from "./recording-logger.ts";

it("keeps lines of children with the fields of their parents", () => {
  const log = makeRecordingLogger();
  log.child({ runId: 1 }).child({ slot: 2 }).warn({ page: 3 }, "import.page");
  expect(log.find("import.page")).toEqual([
    { level: "warn", event: "import.page", fields: { runId: 1, slot: 2, page: 3 } },
  ]);
});

it("shows what errors and their causes say", () => {
  const log = makeRecordingLogger();
  const cause = Object.assign(new Error("inner"), { request: { header: "hidden" } });
  log.error({ error: new Error("outer", { cause }) }, "x");
  expect(log.text()).toContain("outer");
  expect(log.text()).toContain("inner");
  expect(log.text()).toContain("hidden");
});
