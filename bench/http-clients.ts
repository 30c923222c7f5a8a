import http from "node:http";
import { AppError } from "@bucketbridge/core";
import { atOnce } from "./load.ts";

/** What an answer must be, and how its time was. */
export interface ClientsOptions {
  readonly clients: number;
  readonly count: number;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the clients saw. */
export interface ClientsResult {
  /** From the request to the last byte of the answer, one by one. */
  readonly timesMs: readonly number[];
  readonly bytes: number;
  readonly wallMs: number;
}

/** Asks so many times, by so many clients that keep their connections; every body is read and dropped. */
export async function askByClients(
  urlOf: (index: number) => string,
  { clients, count, status, headers = {} }: ClientsOptions,
): Promise<ClientsResult> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: clients });
  const timesMs: number[] = [];
  let bytes = 0;
  const startedMs = performance.now();
  try {
    await atOnce(clients, count, async (index) => {
      const startMs = performance.now();
      const received = await ask(urlOf(index), { agent, headers, status });
      bytes += received;
      timesMs.push(performance.now() - startMs);
    });
  } finally {
    agent.destroy();
  }
  return { timesMs, bytes, wallMs: performance.now() - startedMs };
}

interface AskOptions {
  readonly agent: http.Agent;
  readonly headers: Readonly<Record<string, string>>;
  readonly status: number;
}

function ask(url: string, { agent, headers, status }: AskOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent, headers }, (response) => {
      let bytes = 0;
      response.on("data", (chunk: Buffer) => void (bytes += chunk.byteLength));
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode === status) resolve(bytes);
        else reject(unexpected(response.statusCode));
      });
    });
    request.on("error", reject);
  });
}

function unexpected(status: number | undefined): AppError {
  return new AppError({ code: "internal", message: `an answer with status ${String(status)}` });
}
