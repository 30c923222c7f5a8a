import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { AppError } from "@bucketbridge/core";
import { canEnter, chooseAccount, runAs, type Account } from "./account.ts";
import type { Binaries } from "./binaries.ts";
import { OwnerFile } from "./owner-file.ts";
import { ensureSharedFolder } from "./shared-folder.ts";

/** The files of one cluster: PostgreSQL's own folder, our password and our owner file beside it. */
export interface DataDirectory {
  readonly account: Account | undefined;
  readonly data: string;
  readonly passwordFile: string;
  readonly ownerFile: string;
}

/**
 * Makes the folder `dir` for one cluster, or finds the one that an earlier start made. As root it belongs to the
 * unprivileged account, and lies in the shared folder when that account cannot enter `dir`.
 */
export function ensureDataDirectory(dir: string): DataDirectory {
  const wanted = path.resolve(dir);
  fs.mkdirSync(wanted, { recursive: true, mode: 0o700 });
  const account = chooseAccount(path.join(wanted, "data"));
  if (account === undefined) return placeIn(wanted, account);
  if (canEnter(account, path.dirname(wanted))) return handOver(wanted, account);
  const hash = createHash("sha256").update(wanted).digest("hex").slice(0, 12);
  const elsewhere = path.join(ensureSharedFolder(), `data-${hash}`);
  forgetWithout(path.join(wanted, LOCATION_FILE), elsewhere);
  fs.mkdirSync(elsewhere, { recursive: true, mode: 0o700 });
  return handOver(elsewhere, chooseAccount(path.join(elsewhere, "data")) ?? account);
}

/** Lies in the folder that a person knows and deletes to start afresh, and names the place of its cluster. */
const LOCATION_FILE = "cluster-location";

/** A cluster in the shared folder goes when the folder that it belongs to was deleted; not while a process uses it. */
function forgetWithout(locationFile: string, elsewhere: string): void {
  if (fs.existsSync(locationFile)) return;
  if (fs.existsSync(elsewhere)) {
    new OwnerFile(path.join(elsewhere, "owner")).take();
    fs.rmSync(elsewhere, { recursive: true });
  }
  fs.writeFileSync(locationFile, `${elsewhere}\n`, { mode: 0o600 });
}

function placeIn(dir: string, account: Account | undefined): DataDirectory {
  return {
    account,
    data: path.join(dir, "data"),
    passwordFile: path.join(dir, "superuser.password"),
    ownerFile: path.join(dir, "owner"),
  };
}

function handOver(dir: string, account: Account): DataDirectory {
  fs.chownSync(dir, account.uid, account.gid);
  fs.chmodSync(dir, 0o700);
  return placeIn(dir, account);
}

/** How the server lets local accounts in: by the password in the data directory, or everybody (tests). */
export type ClusterAuth = "password" | "trust";

/** `test` trades the safety of the data at a power cut for speed. */
export type Durability = "safe" | "test";

/** Runs initdb when there is no cluster yet. Interrupted, it leaves nothing that a later start would take for one. */
export function ensureCluster(
  directory: DataDirectory,
  binaries: Binaries,
  options: { readonly auth: ClusterAuth; readonly durability: Durability },
): void {
  if (fs.existsSync(path.join(directory.data, "PG_VERSION"))) return;
  const { account, data, passwordFile } = directory;
  const partial = `${data}.partial`;
  fs.rmSync(partial, { recursive: true, force: true });
  fs.writeFileSync(passwordFile, randomBytes(24).toString("base64url"), { mode: 0o600 });
  if (account !== undefined) fs.chownSync(passwordFile, account.uid, account.gid);
  const result = runAs(account, binaries.initdb, [
    ...[
      "-D",
      partial,
      "-U",
      "postgres",
      "--encoding=UTF8",
      "--locale-provider=builtin",
      "--locale=C.UTF-8",
    ],
    ...["--no-instructions", `--pwfile=${passwordFile}`],
    ...(options.auth === "trust" ? ["--auth=trust"] : ["--auth=scram-sha-256"]),
    ...(options.durability === "test" ? ["--no-sync"] : []),
  ]);
  if (!result.ok) {
    throw new AppError({
      code: "unavailable",
      message: `could not create the database cluster in ${data}: ${result.output}`,
    });
  }
  fs.renameSync(partial, data);
}

/** The superuser's password, kept 0600 beside the data. */
export function readPassword({ passwordFile }: DataDirectory): string {
  return fs.readFileSync(passwordFile, "utf8").trim();
}
