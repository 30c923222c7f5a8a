import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { fileURLToPath } from "node:url";
import { AppError } from "@bucketbridge/core";
import { findFreePort } from "@bucketbridge/db/embedded";
import { waitFor } from "@bucketbridge/testkit";

const MAIN = fileURLToPath(new URL("../apps/worker/src/main.ts", import.meta.url));
const START_TIMEOUT_MS = 30_000;
const POLL_MS = 200;

/** What a worker is started with. */
export interface WorkerEnvironment {
  readonly databaseUrl: string;
  readonly secretKeys: string;
  /** Undefined: jobs are kept in PostgreSQL. */
  readonly redisUrl: string | undefined;
  readonly group: "import" | "export";
}

/** A worker process as it runs in production. */
export class BenchWorker {
  readonly #child: ChildProcess;
  readonly #healthUrl: string;
  readonly #watch: NodeJS.Timeout;
  #peakKib = 0;

  private constructor(child: ChildProcess, healthUrl: string) {
    this.#child = child;
    this.#healthUrl = healthUrl;
    this.#watch = setInterval(() => {
      this.#look();
    }, POLL_MS);
  }

  /** Starts one and waits until it works. */
  static async start(environment: WorkerEnvironment): Promise<BenchWorker> {
    const port = await findFreePort();
    const child = spawn(process.execPath, [MAIN, "--exit-with-parent"], {
      stdio: ["ignore", "ignore", "inherit"],
      env: {
        PATH: process.env["PATH"],
        DATABASE_URL: environment.databaseUrl,
        REDIS_URL: environment.redisUrl,
        BUCKETBRIDGE_SECRET_KEYS: environment.secretKeys,
        BUCKETBRIDGE_TOKEN_KEY: "Zm9yLXRlc3RzLW9ubHktMTIzNDU2Nzg5MC1hYmNkZWZnaGlqa2w",
        BUCKETBRIDGE_EGRESS_ALLOW: "loopback",
        BUCKETBRIDGE_LOG_LEVEL: "error",
        BUCKETBRIDGE_WORKER_QUEUES: environment.group,
        BUCKETBRIDGE_WORKER_PORT: String(port),
      },
    });
    const worker = new BenchWorker(child, `http://127.0.0.1:${String(port)}`);
    await waitFor(() => worker.#isReady(), {
      timeoutMs: START_TIMEOUT_MS,
      what: "a worker to work",
    });
    return worker;
  }

  /** Most memory that it has held so far, in bytes (VmHWM; Linux alone). */
  get peakBytes(): number {
    this.#look();
    return this.#peakKib * 1_024;
  }

  /** Rows that it has committed so far. */
  async committedRows(): Promise<number> {
    const response = await fetch(`${this.#healthUrl}/metrics`);
    const found = /^bucketbridge_import_committed_total\{unit="row"\} (\d+)/m.exec(
      await response.text(),
    );
    return Number(found?.[1] ?? 0);
  }

  async stop(): Promise<void> {
    clearInterval(this.#watch);
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await exited;
  }

  async #isReady(): Promise<boolean> {
    if (this.#child.exitCode !== null) {
      throw new AppError({ code: "unavailable", message: "the worker ended at its start" });
    }
    try {
      return (await fetch(`${this.#healthUrl}/readyz`)).ok;
    } catch (error) {
      if (error instanceof TypeError) return false;
      throw error;
    }
  }

  #look(): void {
    const file = `/proc/${String(this.#child.pid)}/status`;
    if (!fs.existsSync(file)) return;
    const kib = /^VmHWM:\s+(\d+) kB/m.exec(fs.readFileSync(file, "utf8"))?.[1];
    this.#peakKib = Math.max(this.#peakKib, Number(kib ?? 0));
  }
}
