import { redact, redactText } from "@bucketbridge/core";
import { pino, type DestinationStream, type Logger as Pino } from "pino";

/** Levels of the configuration. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Nested causes that are told. */
const MAX_CAUSES = 3;

type Fields = Record<string, unknown>;

/** JSON lines on standard output. Whatever is logged passes the redaction first, bindings of children included. */
export function createLogger(
  level: LogLevel,
  fields: Fields,
  destination?: DestinationStream,
): Pino {
  const options = {
    level,
    base: safe(fields),
    formatters: { level: (label: string) => ({ level: label }), log: safe },
    // pino would write an error with all its own fields; `safe` has made it harmless before.
    serializers: { err: (error: unknown) => error },
  };
  const log = destination === undefined ? pino(options) : pino(options, destination);
  const makeChild: unknown = Reflect.get(log, "child");
  return guardChildren(log, makeChild as MakeChild);
}

type MakeChild = (this: Pino, bindings: Fields, options?: object) => Pino;

/** pino formats the bindings of the first logger only, and Fastify makes a child per request. */
function guardChildren(log: Pino, makeChild: MakeChild): Pino {
  return Object.assign(log, {
    child: (bindings: Fields, options?: object) =>
      guardChildren(makeChild.call(log, safe(bindings), options), makeChild),
  });
}

function safe(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Error
        ? describeError(value, MAX_CAUSES)
        : (redact({ [name]: value }) as Fields)[name],
    ]),
  );
}

/** Errors of SDKs hold requests with their headers, so only these parts of an error are ever written. */
function describeError(error: Error, causes: number): Fields {
  const { cause } = error;
  return {
    ...(redact(error) as Fields),
    ...("op" in error && typeof error.op === "string" ? { op: error.op } : {}),
    ...("reason" in error && typeof error.reason === "string" ? { reason: error.reason } : {}),
    stack: redactText(error.stack ?? ""),
    ...(cause instanceof Error && causes > 0 ? { cause: describeError(cause, causes - 1) } : {}),
  };
}
