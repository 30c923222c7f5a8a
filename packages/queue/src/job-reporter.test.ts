import { silentLogger } from "@bucketbridge/core";
import { describe, expect, it } from "vitest";
import { JobReporter } from "./job-reporter.ts";

/** A job whose writes wait until they are let through. */
function slowJob() {
  const written: unknown[] = [];
  const gates: (() => void)[] = [];
  const write = (value: unknown): Promise<number> =>
    new Promise((resolve) => {
      gates.push(() => {
        written.push(value);
        resolve(1);
      });
    });
  const job = {
    updateProgress: async (value: unknown): Promise<void> => {
      await write(value);
    },
    log: write,
  };
  return { job: job as ConstructorParameters<typeof JobReporter>[0], written, gates };
}

describe("JobReporter", () => {
  it("writes one at a time and skips progress that was replaced meanwhile", async () => {
    const { job, written, gates } = slowJob();
    const reporter = new JobReporter(job, silentLogger);
    for (const listed of [1, 2, 3]) reporter.progress({ listed });
    expect(gates).toHaveLength(1);
    gates.shift()?.();
    await Promise.resolve();
    const flushed = reporter.flush(5_000);
    await expect.poll(() => gates.length).toBe(1);
    gates.shift()?.();
    await flushed;
    expect(written).toEqual([{ listed: 1 }, { listed: 3 }]);
  });

  it("does not let a server that is away hold the job", async () => {
    const { job } = slowJob();
    const reporter = new JobReporter(job, silentLogger);
    for (let line = 0; line < 1_000; line++) reporter.line("listing");
    await reporter.flush(10);
  });

  it("survives a job that the server has forgotten", async () => {
    const lines: string[] = [];
    const job = {
      updateProgress: () => Promise.reject(new RangeError("Missing key for job 7. updateProgress")),
      log: (line: string) => {
        lines.push(line);
        return Promise.resolve(1);
      },
    } as ConstructorParameters<typeof JobReporter>[0];
    const reporter = new JobReporter(job, silentLogger);
    reporter.progress({ listed: 1 });
    reporter.line("listing with ?X-Amz-Signature=abcdef012345");
    await reporter.flush(1_000);
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain("abcdef012345");
  });
});
