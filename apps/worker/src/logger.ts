import { redact, redactText, type LogFields, type Logger } from "@bucketbridge/core";
import { pino, type DestinationStream, type Logger as Pino } from "pino";

/** Levels of the configuration. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Nested causes that are told. */
const MAX_CAUSES = 3;

/** JSON lines on standard output. Whatever is logged passes the redaction first. */
export function createLogger(
  level: LogLevel,
  fields: LogFields,
  destination?: DestinationStream,
): Logger {
  const options = {
    level,
    base: safe(fields),
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return wrap(destination === undefined ? pino(options) : pino(options, destination));
}

function wrap(target: Pino): Logger {
  return {
    debug: (fields, event) => {
      if (target.isLevelEnabled("debug")) target.debug(safe(fields), event);
    },
    info: (fields, event) => {
      target.info(safe(fields), event);
    },
    warn: (fields, event) => {
      target.warn(safe(fields), event);
    },
    error: (fields, event) => {
      target.error(safe(fields), event);
    },
    child: (fields) => wrap(target.child(safe(fields))),
  };
}

function safe(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Error
        ? describeError(value, MAX_CAUSES)
        : (redact({ [name]: value }) as LogFields)[name],
    ]),
  );
}

/** Errors of SDKs hold requests with their headers, so only these parts of an error are ever written. */
function describeError(error: Error, causes: number): Record<string, unknown> {
  const { cause } = error;
  return {
    ...(redact(error) as Record<string, unknown>),
    ...("op" in error && typeof error.op === "string" ? { op: error.op } : {}),
    ...("reason" in error && typeof error.reason === "string" ? { reason: error.reason } : {}),
    stack: redactText(error.stack ?? ""),
    ...(cause instanceof Error && causes > 0 ? { cause: describeError(cause, causes - 1) } : {}),
  };
}
