import { z } from "zod";
import { runKind, runState } from "../run.ts";
import { pageOf, pageQuery } from "./paging.ts";

/** Where a run is within its life. `final`: it never changes again. */
export const runPhase = z.enum(["waiting", "queued", "listing", "loading", "final"]);

/** What a run did so far, or in all when it is final. */
export const runCounts = z
  .object({
    /** Keys listed, filtered ones included. */
    listed: z.int(),
    /** Objects that were new. */
    created: z.int(),
    /** Objects that were known already. */
    known: z.int(),
    /** Keys that the filter dropped. */
    skipped: z.int(),
    /** Open issues. */
    failed: z.int(),
    /** Objects that wait to be loaded. */
    pending: z.int(),
    /** Tasks that the run made. */
    tasks: z.int(),
  })
  .meta({ id: "RunCounts" });

/** Why a run failed or was canceled. */
export const runError = z.object({
  code: z.string(),
  reason: z.string().nullable(),
  message: z.string(),
});

/** Something about a run that is no failure. */
const runWarning = z.object({ code: z.string(), message: z.string() });

/** A run of a storage. */
export const runView = z
  .object({
    id: z.int(),
    storageId: z.int(),
    projectId: z.int(),
    /** Counts the runs of the storage from 1. */
    number: z.int(),
    kind: runKind,
    trigger: z.string(),
    state: runState,
    phase: runPhase,
    cancelRequested: z.boolean(),
    counts: runCounts,
    /** Tasks that were there before the run, of the objects that it saw. */
    tasksExisted: z.int(),
    error: runError.nullable(),
    /** What whoever reads the run should know; nothing is refused because of it. */
    warnings: z.array(runWarning),
    createdAt: z.iso.datetime(),
    queuedAt: z.iso.datetime().nullable(),
    startedAt: z.iso.datetime().nullable(),
    heartbeatAt: z.iso.datetime().nullable(),
    finishedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: "Run" });

/** A run as the API shows it. */
export type RunView = z.output<typeof runView>;

/** Counts of a run. */
export type RunCounts = z.output<typeof runCounts>;

/** Query of `GET /api/v1/runs`. */
export const listRunsQuery = pageQuery.extend({
  project: z.coerce.number().int().min(1).optional(),
  storage: z.coerce.number().int().min(1).optional(),
  state: runState.optional(),
  kind: runKind.optional(),
});

/** Answer of `GET /api/v1/runs`: the newest first. */
export const runPage = pageOf(runView).meta({ id: "RunPage" });

/** Body of `POST /api/v1/storages/{id}/sync`; it may be left out. */
export const startSyncBody = z
  .strictObject({
    /** Of a target: only what it does not hold in its newest revision. A source takes only what is new anyway. */
    only_changed: z.boolean().optional(),
  })
  // An absent body arrives as null.
  .nullish()
  .meta({ id: "StartSync" });

/** Answer of a request that starts a run. */
export const startRunAnswer = z
  .object({
    run: runView,
    /** False: a run of this kind was queued or waiting already, and is the answer. */
    created: z.boolean(),
  })
  .meta({ id: "StartedRun" });
