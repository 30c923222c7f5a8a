import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { WorkerSettings } from "../src/settings.ts";
import type { PlainSettings } from "./chaos-worker.ts";

const SCRIPT = fileURLToPath(new URL("chaos-worker.ts", import.meta.url));

/** Worker processes that are killed and come back, as a supervisor brings them back. */
export class WorkerFleet {
  readonly #settings: PlainSettings;
  readonly #children: ChildProcess[] = [];

  constructor(settings: WorkerSettings) {
    const { database, redisUrl, secretKeys, ...rest } = settings;
    this.#settings = {
      ...rest,
      databaseUrl: database.url.reveal(),
      redisUrl: redisUrl?.reveal(),
      secretKeys: secretKeys.reveal(),
    };
  }

  /** Starts `count` processes and waits until they work. */
  async start(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, (_, index) => this.#startAt(index)));
  }

  /** kill -9 of a random one. It is started again without waiting for it. */
  async killOne(): Promise<void> {
    const index = Math.floor(Math.random() * this.#children.length);
    await this.#kill(index);
    void this.#startAt(index);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map((_, index) => this.#kill(index)));
    this.#children.length = 0;
  }

  async #kill(index: number): Promise<void> {
    const child = this.#children[index];
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await exited;
  }

  #startAt(index: number): Promise<void> {
    const child = spawn(process.execPath, [SCRIPT, JSON.stringify(this.#settings)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#children[index] = child;
    return new Promise((resolve) => {
      child.once("message", () => {
        resolve();
      });
      child.once("exit", () => {
        resolve();
      });
    });
  }
}
