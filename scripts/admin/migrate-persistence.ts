import { readFileSync } from "node:fs";
import { parseArgs, parseEnv } from "node:util";
import {
  ambientSlice,
  awsPlatformSlice,
  azurePlatformSlice,
  gcpPlatformSlice,
  loadConfig,
  persistenceSlice,
  platformSlice,
  resolvePersistence,
  resolvePlatform,
  type Environment,
} from "@bucketbridge/config";
import { AppError, silentLogger } from "@bucketbridge/core";
import { copyFiles, openPersistence, type PersistentStore } from "@bucketbridge/storage/providers";
import { openPlatform } from "../../apps/api/src/platform.ts";

/** How the command is called. */
export const MIGRATE_USAGE =
  "migrate-persistence --from FILE|current --to FILE|current [--verify]   (a FILE holds BUCKETBRIDGE_PERSISTENCE_… variables; current: those of the environment)";

const OWN_PREFIX = "BUCKETBRIDGE_PERSISTENCE_";
/** A line on the terminal for so many objects. */
const REPORT_EVERY = 100;

/**
 * Copies uploads and export snapshots to another store. May be cut off and started again; run it once more after the processes use
 * the new store, for what came in between. Nothing is deleted.
 */
export async function migratePersistence(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      from: { type: "string" },
      to: { type: "string" },
      verify: { type: "boolean", default: false },
    },
  });
  if (values.from === undefined || values.to === undefined || values.from === values.to)
    throw new AppError({
      code: "invalid_input",
      message: `usage: npm run admin -- ${MIGRATE_USAGE}`,
    });
  const from = await open(values.from);
  const to = await open(values.to).catch(async (error: unknown) => {
    await from.close();
    throw error;
  });
  try {
    console.log(`from ${from.store.place} to ${to.store.place}`);
    const { copied, known, bytes } = await copyFiles(from.store, to.store, {
      verify: values.verify,
      signal: new AbortController().signal,
      onObject: (counts) => {
        const done = counts.copied + counts.known;
        if (done % REPORT_EVERY === 0)
          console.log(`${String(done)} objects looked at, ${String(counts.copied)} copied`);
      },
    });
    console.log(
      `${String(copied)} objects copied (${String(bytes)} bytes), ${String(known)} were there already`,
    );
  } finally {
    await Promise.all([from.close(), to.close()]);
  }
}

interface OpenPlace {
  readonly store: PersistentStore;
  close(): Promise<void>;
}

async function open(place: string): Promise<OpenPlace> {
  const env = place === "current" ? process.env : withFile(place);
  const config = loadConfig(
    {
      persistence: persistenceSlice,
      ambient: ambientSlice,
      awsPlatform: awsPlatformSlice,
      azurePlatform: azurePlatformSlice,
      gcpPlatform: gcpPlatformSlice,
      platform: platformSlice,
    },
    env,
  );
  const platform = openPlatform(resolvePlatform(config), []);
  const settings = resolvePersistence(config.persistence, process.cwd());
  const store = await openPersistence(settings, { log: silentLogger, platform, denied: [] });
  return {
    store,
    close: async () => {
      await store.close();
      await platform.egress.close();
    },
  };
}

/** The environment with the place of the file instead of its own: no variable of the two places is mixed. */
function withFile(file: string): Environment {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith(OWN_PREFIX));
  try {
    return { ...Object.fromEntries(others), ...parseEnv(readFileSync(file, "utf8")) };
  } catch (cause) {
    throw new AppError({
      code: "invalid_input",
      message: `the file ${file} cannot be read; it holds the variables ${OWN_PREFIX}… of one place`,
      cause,
    });
  }
}
