import type { ErrorClass } from "../../driver.ts";
import { lookUp } from "../look-up.ts";
import { parseRetryAfter } from "../retry-after.ts";
import {
  BY_AZURE_CODE,
  BY_NETWORK_CODE,
  BY_SIGN_IN_CODE,
  BY_STATUS,
  SIGN_IN_REFUSED,
} from "./error-table.ts";

/** What is known of an error of the SDKs, as far as it may be looked at. Messages are not: they hold hosts' texts. */
interface AzureError {
  /** Azure's code, from the body or, for HEAD, from a header. */
  readonly azureCode: string | undefined;
  readonly status: number | undefined;
  readonly networkCode: string | undefined;
  readonly name: string;
  readonly retryAfter: string | undefined;
}

/** Explanations that only the call knows, by the SDK's error object. */
const EXPLAINED = new WeakMap<object, ErrorClass>();

/** Notes what an error means in the call that got it, where Azure's code alone does not say. Returns the error. */
export function explainError(error: unknown, meaning: ErrorClass): unknown {
  if (typeof error === "object" && error !== null) EXPLAINED.set(error, meaning);
  return error;
}

/** What an error of the Azure SDKs means; undefined for errors that are none. Never shows a message of the store. */
export function classifyAzureError(error: unknown): ErrorClass | undefined {
  if (!(error instanceof Error)) return undefined;
  const explained = EXPLAINED.get(error);
  if (explained !== undefined) return explained;
  const facts = readError(error);
  const found = findClass(facts);
  if (found === undefined) return undefined;
  const retryAfterMs = parseRetryAfter(facts.retryAfter);
  const said = describeAnswer(facts);
  return {
    ...found,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    detail: said === undefined ? found.detail : `${found.detail ?? "the store refuses"} (${said})`,
  };
}

/** What an answer of the login host means that gives no token: its `AADSTS…` number says why. */
export function classifySignIn(answer: {
  readonly status: number;
  readonly bodyAsText?: string | null | undefined;
}): ErrorClass {
  const number = /\bAADSTS(\d{4,9})\b/.exec(answer.bodyAsText ?? "")?.[1];
  const isTheirs = answer.status === 429 || answer.status >= 500;
  const found =
    lookUp(BY_SIGN_IN_CODE, number) ??
    (isTheirs ? BY_STATUS[answer.status === 429 ? 429 : 500] : undefined) ??
    SIGN_IN_REFUSED;
  const said = number === undefined ? `HTTP ${String(answer.status)}` : `AADSTS${number}`;
  return { ...found, detail: `${found.detail ?? "the app could not sign in"} (${said})` };
}

/** The HTTP status and Azure's code of an error, for decisions of a call that knows more. */
export function answerOf(error: unknown): Pick<AzureError, "status" | "azureCode"> {
  return error instanceof Error ? readError(error) : { status: undefined, azureCode: undefined };
}

function findClass(facts: AzureError): ErrorClass | undefined {
  const { azureCode, networkCode = "", status, name } = facts;
  const known = lookUp(BY_AZURE_CODE, azureCode) ?? lookUp(BY_NETWORK_CODE, networkCode);
  if (known !== undefined) return known;
  if (networkCode.startsWith("HPE_")) return BY_NETWORK_CODE["HPE_*"];
  if (networkCode.startsWith("ERR_SSL_")) return BY_NETWORK_CODE["ERR_SSL_*"];
  if (name === "AbortError") return { code: "canceled" };
  if (name === "TimeoutError") return BY_NETWORK_CODE["ETIMEDOUT"];
  if (SIGN_IN_ERRORS.has(name)) return SIGN_IN_REFUSED;
  if (status === undefined) return undefined;
  return BY_STATUS[status] ?? BY_STATUS[status >= 500 ? 500 : status >= 400 ? 400 : 200];
}

/** Names of the errors of @azure/identity. */
const SIGN_IN_ERRORS: ReadonlySet<string> = new Set([
  "AuthenticationError",
  "AuthenticationRequiredError",
  "CredentialUnavailableError",
]);

function readError(error: Error): AzureError {
  const fields = error as Error & Record<string, unknown>;
  const response = asRecord(fields["response"]);
  const headers = response["headers"];
  const body = asRecord(response["parsedBody"]);
  const code = shortText(fields["code"]);
  const status = fields["statusCode"];
  const isAnswer = typeof status === "number";
  return {
    name: error.name,
    azureCode:
      (isAnswer ? code : undefined) ??
      shortText(body["code"]) ??
      shortText(headerOf(headers, "x-ms-error-code")),
    networkCode: isAnswer ? undefined : code,
    status: isAnswer ? status : undefined,
    retryAfter: headerOf(headers, "retry-after"),
  };
}

function describeAnswer({ azureCode, status, networkCode }: AzureError): string | undefined {
  if (status === undefined) return networkCode;
  return azureCode === undefined
    ? `HTTP ${String(status)}`
    : `${azureCode}, HTTP ${String(status)}`;
}

function headerOf(headers: unknown, name: string): string | undefined {
  const { get } = asRecord(headers);
  const value: unknown = typeof get === "function" ? get.call(headers, name) : undefined;
  return typeof value === "string" ? value : undefined;
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** A code: a hostile host could put anything there, so only what looks like one is shown. */
function shortText(value: unknown): string | undefined {
  return typeof value === "string" && /^[A-Za-z0-9_.:-]{1,64}$/.test(value) ? value : undefined;
}
