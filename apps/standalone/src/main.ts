import fs from "node:fs";
import path from "node:path";
import {
  ambientSlice,
  httpSlice,
  loadConfig,
  localFilesSlice,
  ownerSlice,
  standaloneSlice,
} from "@bucketbridge/config";
import { AppError, isAppError } from "@bucketbridge/core";
import { createApiClient } from "./api-client.ts";
import { bannerLines } from "./banner.ts";
import { runFirstExport, type FirstExportResult } from "./first-export.ts";
import { runFirstImport, type FirstRunResult } from "./first-run.ts";
import { parseSource, type SourceSpec } from "./source-spec.ts";
import { startSystem, type RunningSystem } from "./system.ts";
import { createTerminalLogger, Terminal } from "./terminal.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const SAMPLES = path.join(ROOT, "examples/samples");
const PARENT_POLL_MS = 500;
const startedAtMs = performance.now();
const terminal = new Terminal(process.stdout);

/** Resolves with the reason when a signal or the end of our parent asks us to stop. */
function watchForStop(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      resolve(signal);
    });
  }
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) resolve("the parent process is gone");
  }, PARENT_POLL_MS).unref();
  return promise;
}

function ensureDataDir(dir: string): void {
  try {
    fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
    fs.accessSync(dir, fs.constants.W_OK);
  } catch (error) {
    throw new AppError({
      code: "invalid_config",
      message: `the data directory ${dir} cannot be written (${error instanceof Error ? error.message : String(error)}): set BUCKETBRIDGE_DATA_DIR`,
      cause: error,
    });
  }
}

async function importFirst(
  system: RunningSystem,
  source: SourceSpec | undefined,
): Promise<FirstRunResult | undefined> {
  if (source === undefined) return undefined;
  terminal.line(`importing ${source.label}`);
  return runFirstImport(createApiClient(system.url, system.token), source, (text) => {
    terminal.live(`  ${text}`);
  });
}

/** Only of the samples: nobody asked us to annotate what lies in an own bucket. */
async function exportFirst(
  system: RunningSystem,
  { projectId }: FirstRunResult,
  config: Config,
): Promise<FirstExportResult | undefined> {
  if (config.standalone.source !== undefined) return undefined;
  terminal.line("exporting annotations");
  return runFirstExport(
    createApiClient(system.url, system.token),
    projectId,
    config.files.documentRoot ?? SAMPLES,
  );
}

function readConfig() {
  return loadConfig(
    {
      http: httpSlice,
      owner: ownerSlice,
      files: localFilesSlice,
      ambient: ambientSlice,
      standalone: standaloneSlice,
    },
    process.env,
  );
}

type Config = ReturnType<typeof readConfig>;

function chooseSource({ standalone, ambient }: Config): SourceSpec | undefined {
  return parseSource(standalone.source ?? path.join(SAMPLES, "shapes"), {
    accessKeyId: ambient.awsAccessKeyId?.reveal(),
    secretAccessKey: ambient.awsSecretAccessKey,
    sessionToken: ambient.awsSessionToken,
    region: ambient.s3Region,
    endpoint: ambient.s3Endpoint,
  });
}

function start(config: Config, dataDir: string): Promise<RunningSystem> {
  return startSystem(
    {
      root: ROOT,
      dataDir,
      host: config.http.host,
      port: config.http.port,
      workers: config.standalone.workers,
      databaseUrl: config.standalone.databaseUrl?.reveal(),
      redisUrl: config.standalone.redisUrl?.reveal(),
      ownerEmail: config.owner.email,
      ownerToken: config.owner.token?.reveal(),
      documentRoot: config.files.documentRoot ?? SAMPLES,
      environment: process.env,
    },
    terminal,
    createTerminalLogger(terminal),
  );
}

/** Imports, exports, prints where everything is, and serves; with `once` ends then, with 0 when all counts are right. */
async function serve(
  system: RunningSystem,
  facts: {
    readonly config: Config;
    readonly source: SourceSpec | undefined;
    readonly dataDir: string;
  },
  once: boolean,
): Promise<number> {
  const result = await importFirst(system, facts.source);
  const exported = result && (await exportFirst(system, result, facts.config));
  const { url, token, email } = system;
  const seconds = (performance.now() - startedAtMs) / 1_000;
  const source = facts.source?.label;
  const lines = bannerLines({
    ...{ url, token, email, dataDir: facts.dataDir, result, exported, source, seconds },
  });
  for (const line of lines) terminal.line(line);
  const problems = [...(result?.problems ?? []), ...(exported?.problems ?? [])];
  if (once) return result === undefined || problems.length > 0 ? 1 : 0;
  return new Promise(() => undefined);
}

async function run(once: boolean): Promise<number> {
  const config = readConfig();
  const stopAsked = watchForStop().then((reason) => ({
    code: once ? 1 : 0,
    text: `stopping (${reason})`,
  }));
  const dataDir = path.resolve(config.standalone.dataDir);
  ensureDataDir(dataDir);
  const source = chooseSource(config);
  const system = await start(config, dataDir);
  try {
    const ending = await Promise.race([
      stopAsked,
      system.failed.then((sentence) => ({ code: 1, text: sentence })),
      serve(system, { config, source, dataDir }, once).then((code) => ({ code, text: undefined })),
    ]);
    if (ending.text !== undefined) terminal.line(ending.text);
    return ending.code;
  } finally {
    await system.stop();
  }
}

try {
  process.exitCode = await run(process.argv.includes("--once"));
} catch (error) {
  if (!isAppError(error)) throw error;
  terminal.line(`bucketbridge could not start: ${error.message}`);
  process.exitCode = 1;
}
