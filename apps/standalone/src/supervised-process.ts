import { spawn, type ChildProcess } from "node:child_process";
import readline from "node:readline";
import { backoffMs } from "@bucketbridge/core";

/** One process of the system, by a name that people read. */
export interface ProcessSpec {
  readonly name: string;
  readonly script: string;
  readonly env: NodeJS.ProcessEnv;
}

/** What the supervisor tells. */
export interface SupervisorEvents {
  /** A line of the process's output. */
  readonly onLine: (name: string, line: string) => void;
  /** The process crashed and is started again after `delayMs`. */
  readonly onRestart: (name: string, how: string, delayMs: number) => void;
  /** The process crashed too often in a row. */
  readonly onGiveUp: (sentence: string) => void;
}

/** Api and worker end when their parent does, however it ends, if they are told so. */
const EXIT_WITH_PARENT = "--exit-with-parent";

const RESTART_BACKOFF = { baseMs: 1_000, capMs: 30_000 };
/** A process that lived this long is healthy; its next crash counts as the first. */
const HEALTHY_AFTER_MS = 60_000;
/** A wrong setting fails at once and every time: say so instead of trying for ever. */
const MAX_CRASHES_IN_A_ROW = 5;
/** Longer than a worker's own shutdown (10 s for the page in hand). */
const STOP_TIMEOUT_MS = 20_000;

/** Keeps one child process running until `stop`. The child ends by itself when we are gone (it watches its parent). */
export class SupervisedProcess {
  readonly #spec: ProcessSpec;
  readonly #events: SupervisorEvents;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #restart: NodeJS.Timeout | undefined;
  #startedAtMs = 0;
  #crashes = 0;
  #isStopping = false;

  constructor(spec: ProcessSpec, events: SupervisorEvents) {
    this.#spec = spec;
    this.#events = events;
  }

  /** Process id while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    const { name, script, env } = this.#spec;
    this.#startedAtMs = performance.now();
    const child = spawn(process.execPath, [script, EXIT_WITH_PARENT], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      readline.createInterface({ input: stream }).on("line", (line) => {
        this.#events.onLine(name, line);
      });
    }
    this.#exited = new Promise((resolve) => {
      child.once("error", () => {
        resolve();
      });
      child.once("exit", (code, signal) => {
        resolve();
        this.#onExit(signal ?? `code ${String(code)}`);
      });
    });
  }

  /** SIGTERM, and SIGKILL when it does not end in time. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    const impatience = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(impatience);
  }

  #onExit(how: string): void {
    if (this.#isStopping) return;
    const { name } = this.#spec;
    const lived = performance.now() - this.#startedAtMs;
    this.#crashes = lived > HEALTHY_AFTER_MS ? 1 : this.#crashes + 1;
    if (this.#crashes >= MAX_CRASHES_IN_A_ROW) {
      this.#events.onGiveUp(
        `${name} ended ${String(this.#crashes)} times in a row (${how}): see its last lines above`,
      );
      return;
    }
    const delayMs = backoffMs(RESTART_BACKOFF, this.#crashes);
    this.#events.onRestart(name, how, delayMs);
    this.#restart = setTimeout(() => {
      this.start();
    }, delayMs);
  }
}
