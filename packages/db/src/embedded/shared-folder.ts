import fs from "node:fs";
import path from "node:path";
import { AppError } from "@bucketbridge/core";

/** Survives a reboot, unlike the temporary folder, and every account may enter it. */
const SHARED_ROOT = "/var/tmp";

/**
 * Our folder outside the clone, for what the PostgreSQL account must reach while the clone lies below a closed home.
 * Refuses a folder that somebody else made: programs are run from it.
 */
export function ensureSharedFolder(): string {
  const uid = process.getuid?.() ?? 0;
  const folder = path.join(SHARED_ROOT, `bucketbridge-${String(uid)}`);
  fs.mkdirSync(folder, { recursive: true, mode: 0o755 });
  const stat = fs.lstatSync(folder);
  if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o022) !== 0) {
    throw new AppError({
      code: "invalid_config",
      message: `${folder} belongs to another account or is writable for others; remove it or set DATABASE_URL`,
    });
  }
  return folder;
}
