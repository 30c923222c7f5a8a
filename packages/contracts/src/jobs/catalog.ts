import type { z } from "zod";
import { exportPush, exportSnapshot, exportSync } from "./export.ts";
import { importLoad, importRun } from "./import.ts";

/** Every job of the system by its name. */
export const jobs = {
  [importRun.name]: importRun,
  [importLoad.name]: importLoad,
  [exportSync.name]: exportSync,
  [exportPush.name]: exportPush,
  [exportSnapshot.name]: exportSnapshot,
} as const;

/** Name of a job. */
export type JobName = keyof typeof jobs;

/** What a job is given, parsed. */
export type PayloadOf<Name extends JobName> = z.output<(typeof jobs)[Name]["payload"]>;

/** What a job returns. */
export type ResultOf<Name extends JobName> = z.output<(typeof jobs)[Name]["result"]>;
