import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { AppError } from "@bucketbridge/core";

/** What a standalone system makes up for itself once and keeps in its data directory, readable by its owner alone. */
export interface StandaloneSecrets {
  readonly secretKeys: string;
  readonly tokenKey: string;
  readonly ownerToken: string;
  readonly databasePassword: string;
}

/** Reads the secrets of the data directory; the first start makes them. */
export function ensureSecrets(dataDir: string): StandaloneSecrets {
  const file = path.join(dataDir, "secrets.json");
  if (!fs.existsSync(file)) {
    const made: StandaloneSecrets = {
      secretKeys: `k1:${randomBytes(32).toString("base64")}`,
      tokenKey: randomBytes(32).toString("base64"),
      ownerToken: randomBytes(24).toString("hex"),
      databasePassword: randomBytes(24).toString("base64url"),
    };
    // Written aside and renamed: a start that dies here must not leave half a file behind.
    const partial = `${file}.partial`;
    fs.writeFileSync(partial, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 });
    fs.renameSync(partial, file);
  }
  try {
    return JSON.parse(fs.readFileSync(file, "utf8")) as StandaloneSecrets;
  } catch (error) {
    throw new AppError({
      code: "invalid_config",
      message: `the secrets in ${file} cannot be read: restore the file, or delete ${dataDir} to start afresh`,
      cause: error,
    });
  }
}
