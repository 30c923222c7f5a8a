import { spawn, type ChildProcess } from "node:child_process";
import path from "node:path";
import { AppError } from "@bucketbridge/core";
import { waitFor } from "@bucketbridge/testkit";

const APPS = path.resolve(import.meta.dirname, "../..");
/** A start takes a second on an idle machine. */
const START_TIMEOUT_MS = 60_000;
/** Longer than a process takes for its page in hand. */
const STOP_TIMEOUT_MS = 20_000;

/** Variables of a process; undefined takes one away. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A real api or worker process. */
export interface Child {
  readonly pid: number;
  /** Everything that it wrote. */
  readonly output: () => string;
  readonly hasExited: () => boolean;
  /** Ends it as an operator does, or the hard way when it does not listen. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
}

/** Starts the main file of an app. Call {@link untilSaid} to know when it serves. */
export function startChild(app: "api" | "worker", env: Environment): Child {
  return startScript([path.join(APPS, app, "src/main.ts")], env);
}

/** Starts a script of Node with its arguments. */
export function startScript(args: readonly string[], env: Environment): Child {
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], ...env },
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  }
  const exited = new Promise<void>((resolve) => {
    child.once("close", () => {
      resolve();
    });
  });
  return {
    pid: child.pid ?? -1,
    output: () => text,
    hasExited: () => hasExited(child),
    stop: async () => {
      if (!hasExited(child)) child.kill("SIGTERM");
      const impatience = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(impatience);
    },
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Waits for words in the output and gives the first group of `pattern`. */
export async function untilSaid(child: Child, pattern: RegExp): Promise<string> {
  const said = await waitFor(() => pattern.exec(child.output())?.[1] ?? child.hasExited(), {
    timeoutMs: START_TIMEOUT_MS,
    what: `${String(pattern)} in the output of a child`,
  });
  if (said !== true) return said;
  throw new AppError({ code: "internal", message: `a child ended: ${child.output()}` });
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
