import type { ErrorClass } from "../../driver.ts";
import { lookUp } from "../look-up.ts";
import { parseRetryAfter } from "../retry-after.ts";
import {
  BY_ERROR_CODE,
  BY_NETWORK_CODE,
  BY_REASON,
  BY_STATUS,
  BY_TOKEN_ERROR,
  DIRECTORY_NOT_FOUND,
  IP_BLOCKED,
  NO_TOKEN_ENDPOINT,
  TOKEN_REFUSED,
} from "./error-table.ts";

/** Which interface answered. */
export type AnswerOf = "files" | "directories" | "token";

/** A refusal of the workspace or of a token endpoint. Its texts come from a host that a user named: only codes are shown. */
export class DatabricksFault extends Error {
  override readonly name = "DatabricksFault";
  readonly from: AnswerOf;
  readonly status: number;
  readonly errorCode: string | undefined;
  readonly reason: string | undefined;
  readonly said: string;
  readonly retryAfter: string | undefined;

  constructor(
    from: AnswerOf,
    answer: {
      readonly status: number;
      readonly body: string;
      readonly retryAfter?: string | undefined;
    },
  ) {
    super(`HTTP ${String(answer.status)}`);
    const {
      error_code: errorCode,
      error,
      message,
      error_description: description,
      details,
    } = parseObject(answer.body);
    this.from = from;
    this.status = answer.status;
    this.errorCode = shortCode(errorCode) ?? shortCode(error);
    this.reason = findReason(details);
    this.said =
      typeof message === "string" ? message : typeof description === "string" ? description : "";
    this.retryAfter = answer.retryAfter;
  }
}

/** What this driver itself refuses. */
export class DatabricksRefusal extends Error {
  override readonly name = "DatabricksRefusal";
  readonly class: ErrorClass;

  constructor(refusal: ErrorClass) {
    super(refusal.detail ?? refusal.code);
    this.class = refusal;
  }
}

/** What an error of a call means; undefined for errors that are none of the workspace's. Never shows a text of the host. */
export function classifyDatabricksError(error: unknown): ErrorClass | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof DatabricksRefusal) return error.class;
  if (!(error instanceof DatabricksFault)) return findNetworkClass(error);
  const found = findClass(error);
  const retryAfterMs = parseRetryAfter(error.retryAfter);
  const status = `HTTP ${String(error.status)}`;
  const said = error.errorCode === undefined ? status : `${error.errorCode}, ${status}`;
  return {
    ...found,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    detail: `${found.detail ?? "the workspace refuses"} (${said})`,
  };
}

/** True for the answer that a directory is not there, or that its path leads to a file. */
export function isMissingDirectory(error: unknown): boolean {
  return error instanceof DatabricksFault && findClass(error) === DIRECTORY_NOT_FOUND;
}

function findClass(fault: DatabricksFault): ErrorClass {
  if (fault.from === "token") return findTokenClass(fault);
  const { status, reason = "", errorCode, from, said } = fault;
  if (status === 403) {
    // Since 2020 and in 2026 alike: refused tokens and addresses have the code of missing permissions on some paths.
    if (/^invalid access token|token (is )?expired/i.test(said)) return TOKEN_REFUSED;
    if (/IP (ACL|access list)/i.test(said)) return IP_BLOCKED;
  }
  const byReason = lookUp(BY_REASON, reason);
  if (byReason !== undefined) return byReason;
  if (from === "directories" && (status === 404 || /NOT_A_DIRECTORY/.test(reason)))
    return lookUp(BY_ERROR_CODE, errorCode) ?? DIRECTORY_NOT_FOUND;
  return lookUp(BY_ERROR_CODE, errorCode) ?? byStatus(status);
}

function findTokenClass({ said, errorCode, status }: DatabricksFault): ErrorClass {
  const azureCode = /^AADSTS\d+/.exec(said)?.[0];
  const known = lookUp(BY_TOKEN_ERROR, azureCode) ?? lookUp(BY_TOKEN_ERROR, errorCode);
  if (known !== undefined) return known;
  if (status === 404 || (status >= 300 && status < 400)) return NO_TOKEN_ENDPOINT;
  const found = byStatus(status);
  // An answer that grants nothing and says nothing that we know.
  return found.code === "permission_denied" || found.code === "invalid_input"
    ? { ...found, code: "unauthenticated", reason: "databricks.client_refused" }
    : found;
}

function byStatus(status: number): ErrorClass {
  const family = status >= 500 ? 500 : status >= 400 ? 400 : status >= 300 ? 300 : 200;
  return BY_STATUS[status] ?? BY_STATUS[family] ?? { code: "unavailable" };
}

function findNetworkClass(error: Error): ErrorClass | undefined {
  if (error.name === "TimeoutError") return BY_NETWORK_CODE["ETIMEDOUT"];
  const code = shortCode((error as Error & { readonly code?: unknown }).code);
  if (error.name === "AbortError" && code !== "UND_ERR_SOCKET") return { code: "canceled" };
  if (code === undefined) return undefined;
  const family = /^(ERR_SSL_|HPE_)/.exec(code)?.[0];
  const found = lookUp(BY_NETWORK_CODE, family === undefined ? code : `${family}*`);
  return found === undefined ? undefined : { ...found, detail: `${found.detail ?? ""} (${code})` };
}

function findReason(details: unknown): string | undefined {
  if (!Array.isArray(details)) return undefined;
  for (const detail of details as unknown[]) {
    const reason = shortCode(asObject(detail)["reason"]);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function parseObject(json: string): Readonly<Record<string, unknown>> {
  try {
    return asObject(JSON.parse(json));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** A code: a hostile host could put anything there, so only what looks like one is shown. */
function shortCode(value: unknown): string | undefined {
  return typeof value === "string" && /^[A-Za-z0-9_.-]{1,64}$/.test(value) ? value : undefined;
}
