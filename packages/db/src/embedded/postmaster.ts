import fs from "node:fs";
import path from "node:path";
import type { Logger } from "@bucketbridge/core";
import { runAs } from "./account.ts";
import type { Binaries } from "./binaries.ts";
import type { DataDirectory } from "./data-directory.ts";
import { isPortOpen } from "./ports.ts";

/** What a running PostgreSQL says of itself in postmaster.pid. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly isReady: boolean;
}

/** Reads postmaster.pid as pg_ctl does: line 1 pid, 4 port, 8 state. `undefined` when there is none. */
export function readPostmaster(data: string): Postmaster | undefined {
  const file = path.join(data, "postmaster.pid");
  if (!fs.existsSync(file)) return undefined;
  const lines = fs.readFileSync(file, "utf8").split("\n");
  return { pid: Number(lines[0]), port: Number(lines[3]), isReady: lines[7]?.trim() === "ready" };
}

/** Stops a PostgreSQL of this directory that lost its watchdog too. Call it only as the directory's owner. */
export async function stopOrphan(
  directory: DataDirectory,
  binaries: Binaries,
  log: Logger,
): Promise<void> {
  const found = readPostmaster(directory.data);
  if (found === undefined || !(await runsHere(directory.data, found))) return;
  const stop = ["stop", "-D", directory.data, "-m", "fast", "-w", "-t", "20"];
  const result = runAs(directory.account, binaries.pgCtl, stop);
  log.warn({ pid: found.pid, stopped: result.ok }, "postgres.orphan");
}

/** The pid may belong to a stranger by now; PostgreSQL works in its data directory, so its folder tells on Linux. */
async function runsHere(data: string, { pid, port }: Postmaster): Promise<boolean> {
  if (process.platform !== "linux") return isPortOpen(port);
  const link = `/proc/${String(pid)}/cwd`;
  try {
    return fs.readlinkSync(link) === fs.realpathSync(data);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // ESRCH: a zombie, which has no folder any more. EACCES: another account's process, so not ours.
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES") return false;
    throw error;
  }
}
