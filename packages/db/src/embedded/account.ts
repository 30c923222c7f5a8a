import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { AppError } from "@bucketbridge/core";

/** The operating system account that PostgreSQL runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Accounts that exist on most systems and own nothing worth protecting; the first one found is taken. */
const UNPRIVILEGED = ["postgres", "nobody"];

/**
 * The account for PostgreSQL when we are root, else `undefined` (our own). PostgreSQL refuses uid 0 and initdb wants
 * an entry in passwd. A data directory belongs to one account for ever, so the owner of an existing one decides.
 */
export function chooseAccount(dataDir: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = fs.statSync(dataDir, { throwIfNoEntry: false });
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const rows = fs
    .readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  for (const name of UNPRIVILEGED) {
    const row = rows.find((fields) => fields[0] === name);
    if (row !== undefined) return { uid: Number(row[2]), gid: Number(row[3]) };
  }
  throw new AppError({
    code: "invalid_config",
    message:
      "embedded PostgreSQL cannot run as root and neither postgres nor nobody is an account here; " +
      "start as an ordinary user or set DATABASE_URL",
  });
}

/** Runs a program to its end as `account`, from `/` (the current folder may be closed to it). */
export function runAs(
  account: Account | undefined,
  program: string,
  args: readonly string[],
): { ok: boolean; output: string } {
  const result = spawnSync(program, args, {
    ...account,
    cwd: "/",
    encoding: "utf8",
    env: childEnvironment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = [result.error?.message, result.stderr, result.stdout]
    .filter(Boolean)
    .join("\n")
    .trim();
  return { ok: result.status === 0, output };
}

/** What PostgreSQL's programs see: nothing of ours, so that no PG* variable or locale of the caller changes them. */
export function childEnvironment(): NodeJS.ProcessEnv {
  return { PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C", TZ: "UTC", HOME: "/" };
}

/** Can `account` enter this folder? False when a folder above it is closed, as root's home is. */
export function canEnter(account: Account | undefined, dir: string): boolean {
  return runAs(account, "/bin/sh", ["-c", 'cd "$1"', "sh", dir]).ok;
}
