import { AppError, isAppError, type ErrorCode } from "@bucketbridge/core";

/** What one SQLSTATE (or class of two characters) means to a caller. */
interface StateMeaning {
  readonly code: ErrorCode;
  readonly message: string;
  readonly reason?: string;
}

const UNREACHABLE: StateMeaning = {
  code: "unavailable",
  message: "the database is not reachable; check DATABASE_URL",
};
const REFUSED: StateMeaning = {
  code: "invalid_config",
  reason: "db.login",
  message: "the database refused the login of DATABASE_URL; check user, password and database name",
};
const TOO_SLOW: StateMeaning = { code: "timeout", message: "the database took too long" };
const NOT_TEXT: StateMeaning = {
  code: "invalid_input",
  reason: "db.invalid_text",
  message:
    "a value holds characters that the database cannot store (U+0000 or half of a surrogate pair)",
};

/** By SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html. Two characters stand for a class. */
const BY_STATE: Readonly<Record<string, StateMeaning>> = {
  "08": UNREACHABLE,
  "22003": { code: "invalid_input", message: "a number is out of range" },
  "22021": NOT_TEXT,
  "22P02": { code: "invalid_input", message: "a value has the wrong form" },
  "22P05": NOT_TEXT,
  "23001": {
    code: "precondition_failed",
    reason: "db.still_referenced",
    message: "other rows still refer to this one",
  },
  "23503": {
    code: "precondition_failed",
    reason: "db.missing_parent",
    message: "a row that this one needs is not there",
  },
  "23505": { code: "already_exists", reason: "db.unique", message: "such a row exists already" },
  "23514": { code: "invalid_input", message: "a value is not one of the allowed ones" },
  "25P03": {
    code: "unavailable",
    message: "the database ended a transaction that stood idle for too long",
  },
  "28": REFUSED,
  "3D": REFUSED,
  "40001": { code: "conflict", message: "the database could not serialise concurrent changes" },
  "40P01": { code: "conflict", message: "the database broke a deadlock" },
  "53300": { code: "unavailable", message: "the database has no free connection" },
  "55P03": { code: "timeout", message: "a lock in the database was not free in time" },
  "57014": TOO_SLOW,
  "57P": { code: "unavailable", message: "the database is shutting down or restarting" },
};

/** By Prisma's own code, for failures that never reached the server: https://www.prisma.io/docs/orm/reference/error-reference */
const BY_PRISMA_CODE: Readonly<Record<string, StateMeaning>> = {
  P1001: UNREACHABLE,
  P1002: UNREACHABLE,
  P1008: TOO_SLOW,
  P1017: UNREACHABLE,
  P2024: { code: "unavailable", message: "no connection to the database became free in time" },
  P2025: { code: "not_found", message: "no such row" },
  P2028: TOO_SLOW,
};

/** By the adapter's kind, for failures of the connection: no SQLSTATE came. */
const BY_KIND: Readonly<Record<string, StateMeaning>> = {
  ConnectionClosed: UNREACHABLE,
  DatabaseNotReachable: UNREACHABLE,
  SocketTimeout: UNREACHABLE,
  TlsConnectionError: {
    code: "invalid_config",
    reason: "db.tls",
    message:
      "the encrypted connection to the database failed; check sslmode and certificates of DATABASE_URL",
  },
};

/**
 * Wraps whatever a transaction threw, once: an `AppError` and errors that are not the database's pass through unchanged.
 * `op` is `db.<what>`. Messages name no value of a row; the SQLSTATE and the constraint are in the context.
 */
export function toDatabaseError(error: unknown, op: string): unknown {
  if (isAppError(error)) return error;
  const facts = readFacts(error);
  if (facts === undefined) return error;
  const meaning = meaningOf(facts) ?? {
    code: "internal" as const,
    message: "the database refused a statement",
  };
  return new AppError({
    code: meaning.code,
    reason: meaning.reason,
    message: meaning.message,
    op,
    context: { sqlState: facts.state, constraint: facts.constraint, prismaCode: facts.prismaCode },
    cause: error,
  });
}

/** True for a deadlock or a serialisation failure: nothing was written, the same transaction may be tried again. */
export function isTransientConflict(error: unknown): boolean {
  const state = readFacts(error)?.state;
  return state === "40P01" || state === "40001";
}

/** True when `error`, as `toDatabaseError` made it, is about this index or constraint. */
export function namesConstraint(error: AppError, name: string): boolean {
  return error.context["constraint"] === name;
}

interface DatabaseFacts {
  readonly state: string | undefined;
  readonly kind: string | undefined;
  readonly prismaCode: string | undefined;
  readonly constraint: string | undefined;
}

function meaningOf({ state, kind, prismaCode }: DatabaseFacts): StateMeaning | undefined {
  if (state !== undefined) {
    return BY_STATE[state] ?? BY_STATE[state.slice(0, 3)] ?? BY_STATE[state.slice(0, 2)];
  }
  if (kind !== undefined && kind in BY_KIND) return BY_KIND[kind];
  return prismaCode === undefined ? UNREACHABLE : BY_PRISMA_CODE[prismaCode];
}

/** Facts of an error of Prisma, of its adapter or of pg; undefined for any other error. */
function readFacts(error: unknown): DatabaseFacts | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name.startsWith("PrismaClient")) return readPrismaFacts(error);
  if (error.name === "DriverAdapterError") return readCause(objectField(error, "cause"), undefined);
  return readPgFacts(error);
}

function readPrismaFacts(error: Error): DatabaseFacts {
  const adapterError = objectField(objectField(error, "meta"), "driverAdapterError");
  return readCause(objectField(adapterError, "cause"), textField(error, "code") ?? error.name);
}

function readCause(cause: unknown, prismaCode: string | undefined): DatabaseFacts {
  return {
    state: textField(cause, "originalCode"),
    kind: textField(cause, "kind"),
    prismaCode,
    constraint: textField(objectField(cause, "constraint"), "index"),
  };
}

/** pg has no code for a connection that ended under a query, so its messages are compared (pg 8.23, lib/client.js). */
const PG_CONNECTION_LOST = /^(Connection terminated|timeout exceeded when trying to connect)/;
const SOCKET_CODES: ReadonlySet<string> = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
]);

function readPgFacts(error: Error): DatabaseFacts | undefined {
  const none = { kind: undefined, prismaCode: undefined };
  if (textField(error, "severity") !== undefined) {
    return { ...none, state: textField(error, "code"), constraint: textField(error, "constraint") };
  }
  const isLost =
    SOCKET_CODES.has(textField(error, "code") ?? "") || PG_CONNECTION_LOST.test(error.message);
  return isLost ? { ...none, state: undefined, constraint: undefined } : undefined;
}

function objectField(value: unknown, name: string): object | undefined {
  if (typeof value !== "object" || value === null || !(name in value)) return undefined;
  const field: unknown = (value as Record<string, unknown>)[name];
  return typeof field === "object" && field !== null ? field : undefined;
}

function textField(value: unknown, name: string): string | undefined {
  if (typeof value !== "object" || value === null || !(name in value)) return undefined;
  const field: unknown = (value as Record<string, unknown>)[name];
  return typeof field === "string" ? field : undefined;
}
