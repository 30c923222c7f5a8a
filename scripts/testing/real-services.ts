import { spawn, spawnSync } from "node:child_process";
import path from "node:path";
import { ROOT } from "../launcher/paths.mjs";

/** One of scripts/services. */
interface RealService {
  readonly name: string;
  /** Names a server of the caller's own: ours is then not started. */
  readonly variable?: string;
}

/** Groups start side by side, the members of one after each other: apt-get takes one at a time. */
const GROUPS: readonly (readonly RealService[])[] = [
  [{ name: "redis" }, { name: "ceph-rgw", variable: "RGW_ENDPOINT" }],
  [{ name: "azurite", variable: "AZURITE_PORT" }],
  [{ name: "minio", variable: "MINIO_ENDPOINT" }],
  [{ name: "fake-gcs", variable: "FAKE_GCS_ENDPOINT" }],
];

/** A fresh machine builds two programs with Go, which takes some minutes each on two cores. */
const START_TIMEOUT_MS = 25 * 60_000;

/** What came of starting everything. */
export interface StartedServices {
  /** What the scripts export, for the processes that look for the services. */
  readonly exports: Readonly<Record<string, string>>;
  /** One line per service. */
  readonly report: readonly string[];
  /** Stops those that did not run before. */
  stop(): void;
}

/** Starts every service of scripts/services that does not run yet; one that cannot be had is a line of the report. */
export async function startServices(environment: NodeJS.ProcessEnv): Promise<StartedServices> {
  const exports: Record<string, string> = {};
  const report: string[] = [];
  const started: string[] = [];
  const start = async ({ name, variable }: RealService): Promise<void> => {
    const own = variable === undefined ? undefined : environment[variable];
    if (variable !== undefined && own !== undefined && own !== "") {
      report.push(`${name}: ${variable} names one`);
      return;
    }
    const wasRunning = isRunning(name);
    const began = Date.now();
    const { code, output } = await run(name);
    if (code !== 0) {
      report.push(`${name}: could not be started, see above`);
      return;
    }
    Object.assign(exports, parseExports(output));
    if (!wasRunning) started.push(name);
    const seconds = String(Math.round((Date.now() - began) / 1_000));
    report.push(wasRunning ? `${name}: found running` : `${name}: started in ${seconds} s`);
  };
  await Promise.all(
    GROUPS.map(async (group) => {
      for (const service of group) await start(service);
    }),
  );
  const stop = (): void => {
    for (const name of started) spawnSync(scriptOf(name), ["stop"], { stdio: "inherit" });
  };
  return { exports, report, stop };
}

/** The variables of `export NAME=value` lines. */
export function parseExports(text: string): Record<string, string> {
  const lines = [...text.matchAll(/^export (\w+)=(.*)$/gm)];
  return Object.fromEntries(lines.map(([, name = "", value = ""]) => [name, value]));
}

function scriptOf(name: string): string {
  return path.join(ROOT, "scripts/services", name);
}

function isRunning(name: string): boolean {
  return spawnSync(scriptOf(name), ["status"], { stdio: "ignore" }).status === 0;
}

function run(name: string): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    const child = spawn(scriptOf(name), ["start"], {
      stdio: ["ignore", "pipe", "inherit"],
      timeout: START_TIMEOUT_MS,
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.once("error", (error) => {
      resolve({ code: 1, output: error.message });
    });
    // Not "close": a server that kept the pipe open would hold us for ever.
    child.once("exit", (code) => {
      setImmediate(() => {
        resolve({ code: code ?? 1, output });
      });
    });
  });
}
