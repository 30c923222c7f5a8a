import { expect, it } from "vitest";
import { waitFor } from "./wait-for.ts";

it("resolves with the first truthy answer", async () => {
  let calls = 0;
  const answer = await waitFor(() => (++calls === 3 ? "ready" : undefined), {
    timeoutMs: 2_000,
    intervalMs: 1,
  });
  expect([answer, calls]).toEqual(["ready", 3]);
});

it("says what it waited for and what it saw last", async () => {
  const waiting = waitFor(() => 0, { timeoutMs: 5, intervalMs: 1, what: "a task" });
  await expect(waiting).rejects.toMatchObject({
    code: "timeout",
    message: "waited 5 ms for a task; the last answer was 0",
  });
});

it("does not hide an error of the question", async () => {
  await expect(
    waitFor(() => Promise.reject(new RangeError("no")), { timeoutMs: 1_000 }),
  ).rejects.toThrow("no");
});
