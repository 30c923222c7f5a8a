import { expect, test } from "vitest";
import { silentLogger, type Clock } from "@bucketbridge/core";
import type { RunRecord } from "@bucketbridge/db";
import { aRun } from "../../test/fixtures/runs.ts";
import { RunWatchers, type RunSample } from "./run-watchers.ts";

const KEY = { organizationId: 1, runId: 17 };
const done = aRun({ state: "completed", phase: "final" });

/** Gives the records in turn, the last one for ever, and counts the questions. */
function scripted(records: readonly (RunRecord | undefined)[]): {
  find: () => Promise<RunRecord | undefined>;
  asked: () => number;
} {
  let asked = 0;
  return {
    find: () => Promise.resolve(records[Math.min(asked++, records.length - 1)]),
    asked: () => asked,
  };
}

/** Time that passes only by sleeping, at once; an aborted sleep rejects. */
function hastyClock(): Clock {
  let nowMs = 0;
  return {
    now: () => nowMs,
    sleep: (ms, signal) => {
      nowMs += ms;
      return new Promise((resolve, reject) => {
        setImmediate(() => {
          if (signal?.aborted === true) reject(signal.reason as Error);
          else resolve();
        });
      });
    },
  };
}

async function collect(samples: AsyncIterable<RunSample>): Promise<RunRecord["state"][]> {
  const states: RunRecord["state"][] = [];
  for await (const sample of samples) states.push(sample.run.state);
  return states;
}

function watchers(runs: { find: () => Promise<RunRecord | undefined> }): RunWatchers {
  return new RunWatchers({ runs, clock: hastyClock(), log: silentLogger });
}

test("gives the present sample first and ends with the final one", async () => {
  const all = watchers(scripted([aRun({ state: "queued" }), aRun(), done]));
  const states = await collect(all.watch(KEY, new AbortController().signal));
  expect(states).toEqual(["queued", "running", "completed"]);
  expect(all.size).toBe(0);
});

test("asks once for everybody who watches the same run", async () => {
  const runs = scripted([aRun(), aRun(), aRun(), done]);
  const all = watchers(runs);
  const { signal } = new AbortController();
  const seen = await Promise.all([1, 2, 3, 4, 5].map(() => collect(all.watch(KEY, signal))));
  expect(runs.asked()).toBe(4);
  for (const states of seen) expect(states.at(-1)).toBe("completed");
});

test("stops asking when the last one leaves", async () => {
  const runs = scripted([aRun()]);
  const all = watchers(runs);
  const leaving = new AbortController();
  const states: string[] = [];
  for await (const { run } of all.watch(KEY, leaving.signal)) {
    states.push(run.state);
    if (states.length === 3) leaving.abort();
  }
  const asked = runs.asked();
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(states).toHaveLength(3);
  expect(runs.asked()).toBe(asked);
  expect(all.size).toBe(0);
});

test("ends without a sample for a run that is gone", async () => {
  const all = watchers(scripted([undefined]));
  expect(await collect(all.watch(KEY, new AbortController().signal))).toEqual([]);
});

test("ends the samples when the database fails, and a later watcher asks anew", async () => {
  let isDown = true;
  const all = watchers({
    find: () => (isDown ? Promise.reject(new Error("down")) : Promise.resolve(done)),
  });
  expect(await collect(all.watch(KEY, new AbortController().signal))).toEqual([]);
  isDown = false;
  expect(await collect(all.watch(KEY, new AbortController().signal))).toEqual(["completed"]);
});
