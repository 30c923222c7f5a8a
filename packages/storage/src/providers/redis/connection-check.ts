import { AppError, isAppError } from "@bucketbridge/core";
import type { ErrorClass, StorageDriver } from "../../driver.ts";
import { classifyFailure } from "../../failure.ts";
import type { StorageDirection } from "../provider-deps.ts";
import { toPlace, type RedisSettings } from "./settings.ts";

/** The contract's sentence for a source, whatever is wrong (ls-api §7.6). */
const CANNOT_CONNECT = "Can't connect to Redis server.";

/** Failures of which the contract's sentence already says all that is known. */
const WORDLESS: ReadonlySet<string | undefined> = new Set([
  "redis.unreachable",
  "redis.connection_lost",
  "redis.timeout",
]);

/** What the contract's check looks at. */
export interface ConnectionCheck {
  readonly direction: StorageDirection;
  readonly signal: AbortSignal;
}

/**
 * The contract's check: the server takes the connection, the user and the database. A source is asked for one key besides;
 * for a target that may not list, the refusal is `permission_denied`, of which the caller makes a warning.
 */
export async function checkRedisConnection(
  driver: StorageDriver,
  settings: RedisSettings,
  { direction, signal }: ConnectionCheck,
): Promise<void> {
  try {
    await driver.listPage({ prefix: "", recursive: true, limit: 1 }, { signal });
  } catch (error) {
    const known = classifyFailure(driver, error, signal);
    if (known?.reason?.startsWith("egress.") === true && isAppError(error)) throw error;
    const { code = "internal", reason, detail, hint } = known ?? {};
    const { host, port } = toPlace(settings, direction);
    const message =
      direction === "source" ? sourceSentence(known) : targetSentence(known, host, port);
    throw new AppError({ code, reason, message, context: { host, detail, hint }, cause: error });
  }
}

function sourceSentence(known: ErrorClass | undefined): string {
  if (known?.detail === undefined || WORDLESS.has(known.reason)) return CANNOT_CONNECT;
  return `${CANNOT_CONNECT} ${explain(known.detail, known.hint)}`;
}

function targetSentence(known: ErrorClass | undefined, host: string, port: number): string {
  const server = `${host}:${String(port)}`;
  // The words of the contract's own client.
  if (known?.reason === "redis.unreachable")
    return `Error 111 connecting to ${server}. Connection refused.`;
  if (known?.detail === undefined) return `Timeout connecting to ${server}.`;
  return explain(known.detail, known.hint);
}

function explain(detail: string, hint: string | undefined): string {
  const sentence = detail.charAt(0).toUpperCase() + detail.slice(1);
  return hint === undefined ? sentence : `${sentence}; ${hint}`;
}
