import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { startS3Fake, type S3Fake } from "@bucketbridge/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useWorld } from "./harness.ts";

const getWorld = useWorld("worker_throttling");

/** What the store asks for. */
const PAUSE_MS = 2_000;

/** Requests that were on their way when the store first said no: nobody could have told them. */
const ON_THEIR_WAY_MS = 300;

/** A gate before a store: it counts what comes, and from a certain request on asks everybody to wait for two seconds. */
class Gate {
  readonly arrivals: { readonly atMs: number; readonly isRefused: boolean }[] = [];
  readonly #server: http.Server;
  #refusesAt = Infinity;
  #refusedSince: number | undefined;

  constructor(store: URL) {
    this.#server = http.createServer((request, response) => {
      const atMs = performance.now();
      if (this.arrivals.length >= this.#refusesAt) this.#refusedSince ??= atMs;
      const isRefused =
        this.#refusedSince !== undefined && atMs < this.#refusedSince + PAUSE_MS / 2;
      this.arrivals.push({ atMs, isRefused });
      if (isRefused) {
        request.resume();
        response.writeHead(429, { "retry-after": String(PAUSE_MS / 1_000) }).end();
        return;
      }
      const { method, headers, url } = request;
      const { hostname, port } = store;
      const forwarded = http.request({ hostname, port, method, headers, path: url }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      request.pipe(forwarded);
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** The first refusal is the answer to the request of this number from now on. */
  refuseAfter(requests: number): void {
    this.#refusesAt = this.arrivals.length + requests;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

describe("a store that asks for a pause", () => {
  const BUCKETS = ["one", "two", "three"];
  let s3: S3Fake;
  let gate: Gate;
  let endpoint = "";

  beforeAll(async () => {
    s3 = await startS3Fake({ buckets: BUCKETS });
    for (const bucket of BUCKETS) {
      for (let n = 0; n < 200; n++)
        s3.putObject(
          bucket,
          `${String(n)}.json`,
          JSON.stringify({ text: `${bucket} ${String(n)}` }),
        );
    }
    gate = new Gate(new URL(s3.endpoint));
    endpoint = await gate.listen();
  });
  afterAll(async () => {
    gate.close();
    await s3.close();
  });

  it("is left alone by all running jobs of the worker, and every object is imported", async () => {
    const world = getWorld();
    const [key] = s3.accessKeys;
    const storages: number[] = [];
    for (const bucket of BUCKETS) {
      storages.push(
        await world.addSource({
          provider: "s3",
          settings: { bucket, s3_endpoint: endpoint },
          secrets: {
            aws_access_key_id: key?.accessKeyId ?? "",
            aws_secret_access_key: key?.secretAccessKey ?? "",
          },
          useBlobUrls: false,
        }),
      );
    }
    // In the middle of the loading: three listings and some of the six hundred objects are through.
    gate.refuseAfter(150);
    await world.startWorker({});
    const runs = await Promise.all(storages.map((id) => world.request(id)));
    const ended = await Promise.all(
      runs.map(({ runId }) => world.waitForEnd(runId, { timeoutMs: 60_000 })),
    );
    for (const run of ended) expect(run).toMatchObject({ state: "completed", failed: 0 });
    for (const id of storages)
      expect(await world.countTasks(id)).toEqual({ tasks: 200, distinct: 200 });
    const refused = gate.arrivals.filter(({ isRefused }) => isRefused);
    const [first] = refused;
    expect(refused.length).toBeGreaterThan(0);
    const quietFrom = (first?.atMs ?? 0) + ON_THEIR_WAY_MS;
    const quietUntil = (first?.atMs ?? 0) + PAUSE_MS;
    const disturbing = gate.arrivals.filter(({ atMs }) => atMs > quietFrom && atMs < quietUntil);
    expect(disturbing).toEqual([]);
  }, 60_000);
});
