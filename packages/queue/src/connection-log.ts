import type { EventEmitter } from "node:events";
import { redactText, type Logger } from "@bucketbridge/core";

/** Codes of a server that is away: told once per outage by the connection itself, not by everything that uses it. */
const AWAY = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "57P01",
  "57P02",
  "57P03",
]);

/** True for errors that only say that the server is away. */
function isServerAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && typeof error.code === "string" && AWAY.has(error.code)) return true;
  // ioredis 6.0.0 and pg 8.23 give these without a code.
  return /Connection is closed|Connection terminated|isn't writeable|LOADING/.test(error.message);
}

/** An unhandled `error` event ends the process, so everything that emits one gets this listener. */
export function logErrors(source: EventEmitter, log: Logger, event: string): void {
  source.on("error", (error: unknown) => {
    const message = error instanceof Error ? redactText(error.message) : "unknown error";
    if (isServerAway(error)) log.debug({ message }, event);
    else log.warn({ message }, event);
  });
}
