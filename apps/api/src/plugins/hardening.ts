import { randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import type { IncomingMessage } from "node:http";

/** A caller may name its request, so that its log and ours can be joined; anything else gets a name of ours. */
const REQUEST_ID = /^[A-Za-z0-9._-]{8,64}$/;

/** `X-Request-ID` of the caller, or a new UUID. */
export function makeRequestId(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && REQUEST_ID.test(given) ? given : randomUUID();
}

/** Answers are data: nothing in them may run, be framed, be sniffed or be kept by a cache. */
const HEADERS = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
  "cache-control": "no-store",
} as const;

/** Sets the safe headers first, so that a route that knows better replaces them; logs one line per request. */
export function registerHardening(app: FastifyInstance): void {
  app.addHook("onRequest", (request, reply, done) => {
    reply.headers(HEADERS);
    reply.header("x-request-id", request.id);
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    const fields = {
      method: request.method,
      route: request.routeOptions.url,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      userId: request.identity?.userId,
    };
    request.log[isProbe(request.routeOptions.url) ? "debug" : "info"](fields, "http.request.done");
    done();
  });
}

/** Probes come every few seconds. */
function isProbe(route: string | undefined): boolean {
  return route === "/livez" || route === "/readyz" || route === "/metrics" || route === "/health";
}
