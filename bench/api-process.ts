import { spawn, type ChildProcess } from "node:child_process";
import { hash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { AppError } from "@bucketbridge/core";
import { findFreePort } from "@bucketbridge/db/embedded";
import { waitFor } from "@bucketbridge/testkit";
import type { BenchDatabase } from "./bench-database.ts";
import { readProcess } from "./process-look.ts";

const MAIN = fileURLToPath(new URL("../apps/api/src/main.ts", import.meta.url));
const START_TIMEOUT_MS = 30_000;

/** An API process as it runs in production, on a database of the benchmark, with a token of its organisation's owner. */
export class BenchApi {
  readonly origin: string;
  readonly token: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, origin: string, token: string) {
    this.#child = child;
    this.origin = origin;
    this.token = token;
  }

  /** Starts one and waits until it answers. */
  static async start(database: BenchDatabase, secretKeys: string): Promise<BenchApi> {
    const token = await addOwner(database);
    const port = await findFreePort();
    const child = spawn(process.execPath, [MAIN, "--exit-with-parent"], {
      stdio: ["ignore", "ignore", "inherit"],
      env: {
        PATH: process.env["PATH"],
        PORT: String(port),
        DATABASE_URL: database.url,
        BUCKETBRIDGE_SECRET_KEYS: secretKeys,
        BUCKETBRIDGE_TOKEN_KEY: "Zm9yLXRlc3RzLW9ubHktMTIzNDU2Nzg5MC1hYmNkZWZnaGlqa2w",
        BUCKETBRIDGE_EGRESS_ALLOW: "loopback",
        BUCKETBRIDGE_LOG_LEVEL: "error",
        // What is measured is the work, not the limit.
        BUCKETBRIDGE_RATE_TOKEN: "0",
        BUCKETBRIDGE_RATE_MEDIA: "0",
      },
    });
    const api = new BenchApi(child, `http://127.0.0.1:${String(port)}`, token);
    await waitFor(() => api.#isReady(), { timeoutMs: START_TIMEOUT_MS, what: "the API to answer" });
    return api;
  }

  /** What it has used so far. */
  look(): { readonly cpuMs: number; readonly peakBytes: number } {
    return readProcess(this.#child.pid);
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await exited;
  }

  async #isReady(): Promise<boolean> {
    if (this.#child.exitCode !== null)
      throw new AppError({ code: "unavailable", message: "the API ended at its start" });
    try {
      return (await fetch(`${this.origin}/readyz`)).ok;
    } catch (error) {
      if (error instanceof TypeError) return false;
      throw error;
    }
  }
}

/** An owner of the database's organisation; gives the token. */
async function addOwner({ database, organizationId }: BenchDatabase): Promise<string> {
  const token = randomBytes(20).toString("hex");
  await database.inMaintenance(async (tx) => {
    const { id: userId } = await tx.user.create({
      data: { email: "bench@example.com", activeOrganizationId: organizationId },
    });
    await tx.membership.create({ data: { organizationId, userId, role: "owner" } });
    const tokenHash = new Uint8Array(hash("sha256", token, "buffer"));
    const key = { kind: "legacy", tokenHash, prefix: token.slice(0, 4) };
    await tx.apiToken.create({ data: { organizationId, userId, ...key } });
  });
  return token;
}
