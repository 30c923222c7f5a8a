import { describe, expect, test } from "vitest";
import { runToStatus, type StatusIssue, type StatusRun, type StatusSource } from "./status-view.ts";

const QUEUED = new Date("2026-11-23T22:49:21.813Z");
const STARTED = new Date("2026-11-23T22:49:38.968Z");
const PINGED = new Date("2026-11-23T22:49:39.000Z");
const FINISHED = new Date("2026-11-23T22:49:40.332Z");

function aRun(over: Partial<StatusRun> = {}): StatusRun {
  return {
    id: 17,
    kind: "sync",
    state: "completed",
    createdAt: QUEUED,
    queuedAt: QUEUED,
    startedAt: STARTED,
    heartbeatAt: PINGED,
    finishedAt: FINISHED,
    tasks: 9,
    tasksExisted: 4,
    listed: 9,
    failed: 0,
    errorMessage: null,
    ...over,
  };
}

const waiting = {
  state: "waiting",
  queuedAt: null,
  startedAt: null,
  heartbeatAt: null,
  finishedAt: null,
  tasks: 0,
} as const;
const queued = { ...waiting, state: "queued", queuedAt: QUEUED } as const;
const running = { state: "running", finishedAt: null } as const;

function aSource(runs: readonly StatusRun[], issues: readonly StatusIssue[] = []): StatusSource {
  return { runs, issues, attempts: runs.length, storageId: 5, direction: "source" };
}

const started = {
  attempts: 1,
  time_queued: "2026-11-23 22:49:21.813000+00:00",
  time_in_progress: "2026-11-23 22:49:38.968000+00:00",
  time_last_ping: "2026-11-23 22:49:39+00:00",
};

const table: readonly (readonly [string, StatusSource, ReturnType<typeof runToStatus>])[] = [
  [
    "a storage that was never synced is initialized",
    aSource([]),
    {
      status: "initialized",
      last_sync: null,
      last_sync_count: null,
      last_sync_job: null,
      meta: {},
      traceback: null,
    },
  ],
  [
    "a queued sync shows no count",
    aSource([aRun(queued)]),
    {
      status: "queued",
      last_sync: null,
      last_sync_count: null,
      last_sync_job: "run-17",
      meta: { attempts: 1, time_queued: started.time_queued },
      traceback: null,
    },
  ],
  [
    "a running sync counts what it made so far",
    aSource([aRun({ ...running, tasks: 3, tasksExisted: 1 })]),
    {
      status: "in_progress",
      last_sync: null,
      last_sync_count: 3,
      last_sync_job: "run-17",
      meta: { ...started, duration: 0.032, tasks_existed: 1 },
      traceback: null,
    },
  ],
  [
    "a completed sync has its end, its count and no traceback",
    aSource([aRun()]),
    {
      status: "completed",
      last_sync: "2026-11-23T22:49:40.332000Z",
      last_sync_count: 9,
      last_sync_job: "run-17",
      meta: {
        ...started,
        time_completed: "2026-11-23 22:49:40.332000+00:00",
        duration: 1.364,
        tasks_existed: 4,
      },
      traceback: null,
    },
  ],
  [
    "a sync with errors has one line per open issue",
    aSource(
      [aRun({ state: "completed_with_errors", failed: 3 })],
      [
        { key: "a.json", rowIndex: -1, byteOffset: 12, message: "unexpected end of JSON" },
        { key: "b.jsonl", rowIndex: 4, byteOffset: 90, message: "row of b.jsonl is no object" },
      ],
    ),
    {
      status: "completed_with_errors",
      last_sync: "2026-11-23T22:49:40.332000Z",
      last_sync_count: 9,
      last_sync_job: "run-17",
      meta: {
        ...started,
        time_completed: "2026-11-23 22:49:40.332000+00:00",
        duration: 1.364,
        tasks_failed_validation: 3,
        tasks_existed: 4,
      },
      traceback:
        "a.json (byte 12): unexpected end of JSON\nrow of b.jsonl is no object (row 4, byte 90)\n1 more: GET /api/v1/runs/17/issues",
    },
  ],
  [
    "a failed sync has its text and no count",
    aSource([aRun({ state: "failed", errorMessage: "Cannot find bucket cats in S3" })]),
    {
      status: "failed",
      last_sync: null,
      last_sync_count: null,
      last_sync_job: "run-17",
      meta: { ...started, time_failure: "2026-11-23 22:49:40.332000+00:00", duration: 0 },
      traceback: "Cannot find bucket cats in S3",
    },
  ],
  [
    "a canceled sync reads as failed with its text",
    aSource([aRun({ state: "canceled", errorMessage: "canceled: the settings changed" })]),
    {
      status: "failed",
      last_sync: null,
      last_sync_count: null,
      last_sync_job: "run-17",
      meta: { ...started, time_failure: "2026-11-23 22:49:40.332000+00:00", duration: 0 },
      traceback: "canceled: the settings changed",
    },
  ],
];

describe("runToStatus", () => {
  test.each(table)("%s", (_name, source, expected) => {
    expect(runToStatus(source)).toEqual(expected);
  });

  test("meta keeps the key order of the contract", () => {
    const view = runToStatus(aSource([aRun({ state: "completed_with_errors", failed: 1 })]));
    expect(Object.keys(view.meta)).toEqual([
      "attempts",
      "time_queued",
      "time_in_progress",
      "time_last_ping",
      "time_completed",
      "duration",
      "tasks_failed_validation",
      "tasks_existed",
    ]);
  });

  test("a retry keeps the counts of its sync and adds its own", () => {
    const view = runToStatus(
      aSource([
        aRun({ state: "completed_with_errors", failed: 2 }),
        aRun({
          id: 18,
          kind: "retry",
          state: "completed_with_errors",
          tasks: 1,
          tasksExisted: 0,
          failed: 1,
        }),
        aRun({ id: 19, kind: "retry", tasks: 1, tasksExisted: 0 }),
      ]),
    );
    expect(view).toMatchObject({
      status: "completed",
      last_sync_count: 11,
      last_sync_job: "run-19",
      traceback: null,
    });
    expect(view.meta).toMatchObject({ attempts: 3, tasks_existed: 4 });
  });

  test("a run that waits behind an active one does not show", () => {
    expect(runToStatus(aSource([aRun(running), aRun({ id: 18, ...waiting })])).status).toBe(
      "in_progress",
    );
  });

  test("a sync that waits behind another kind of run shows as queued, not as the last completed one", () => {
    const view = runToStatus(aSource([aRun(), aRun({ id: 18, ...waiting })]));
    expect(view).toMatchObject({
      status: "queued",
      last_sync: null,
      last_sync_count: null,
      last_sync_job: "run-18",
    });
  });

  test("a run that was canceled while it waited leaves the status of the one before it", () => {
    const canceled = aRun({ id: 18, ...waiting, state: "canceled", finishedAt: FINISHED });
    expect(runToStatus(aSource([aRun(running), canceled])).status).toBe("in_progress");
    expect(runToStatus(aSource([aRun(), canceled])).status).toBe("completed");
  });

  test("a traceback line never breaks", () => {
    const issue = { key: "a\nb.json", rowIndex: -1, byteOffset: null, message: "bad\r\ninput" };
    const view = runToStatus(
      aSource([aRun({ state: "completed_with_errors", failed: 1 })], [issue]),
    );
    expect(view.traceback).toBe("a b.json: bad input");
  });
});
