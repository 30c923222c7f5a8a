import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { AppError, type Logger } from "@bucketbridge/core";

/** One page of the health port. It rejects with `unavailable` (or any `AppError`) to answer 503. */
export interface HealthPage {
  readonly contentType: string;
  render(): string | Promise<string>;
}

/** Where to listen and what to answer. */
export interface HealthServerOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** By path. */
  readonly pages: Readonly<Record<string, HealthPage>>;
  readonly log: Logger;
}

/** A listening health server. */
export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** A probe gives up long before. */
const REQUEST_TIMEOUT_MS = 10_000;

/** Starts to listen. Rejects with `invalid_config` when the port is taken. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    void answer(options, request, response);
  });
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function answer(
  { pages, log }: HealthServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? "").replace(/\?.*$/s, "").replace(/(?<=.)\/+$/, "");
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (page === undefined || (request.method !== "GET" && request.method !== "HEAD")) {
    send(response, page === undefined ? 404 : 405, { contentType: TEXT, body: "" });
    return;
  }
  try {
    send(response, 200, { contentType: page.contentType, body: await page.render() });
  } catch (error) {
    log.debug({ error, path }, "health.page.failed");
    const code = error instanceof AppError ? error.code : "internal";
    send(response, 503, { contentType: JSON_TYPE, body: JSON.stringify({ status: code }) });
  }
}

/** Content types of the pages. */
export const TEXT = "text/plain; charset=utf-8";
export const JSON_TYPE = "application/json; charset=utf-8";

function send(
  response: ServerResponse,
  status: number,
  content: { readonly contentType: string; readonly body: string },
): void {
  response.writeHead(status, { "content-type": content.contentType, "cache-control": "no-store" });
  response.end(response.req.method === "HEAD" ? "" : content.body);
}

function listen(server: Server, { host, port }: HealthServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const place = `${host}:${String(port)}`;
      const message =
        error.code === "EADDRINUSE"
          ? `the health port ${place} is in use by another program: set BUCKETBRIDGE_WORKER_PORT to a free one, or 0`
          : `the health port cannot listen on ${place} (${error.code ?? "unknown error"})`;
      reject(new AppError({ code: "invalid_config", message, op: "worker.health", cause: error }));
    });
    server.listen(port, host, () => {
      resolve();
    });
  });
}
