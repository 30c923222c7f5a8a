import type { ErrorClass } from "../../driver.ts";
import { lookUp } from "../look-up.ts";
import { parseRetryAfter } from "../retry-after.ts";
import { BY_NETWORK_CODE, BY_S3_CODE, BY_STATUS, WRONG_REGION } from "./error-table.ts";

/** What is known of an error of the SDK, as far as it may be looked at. Messages are not: they hold keys and hosts' texts. */
interface S3Error {
  /** S3's code; absent for answers without a body (HEAD) and for network errors. */
  readonly s3Code: string | undefined;
  readonly status: number | undefined;
  readonly networkCode: string | undefined;
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly region: string | undefined;
}

/** Explanations that only the call knows, by the SDK's error object. */
const EXPLAINED = new WeakMap<object, ErrorClass>();

/** Notes what an error means in the call that got it, where the store's code alone does not say. Returns the error. */
export function explainError(error: unknown, meaning: ErrorClass): unknown {
  if (typeof error === "object" && error !== null) EXPLAINED.set(error, meaning);
  return error;
}

/** What an error of the S3 SDK means; undefined for errors that are none. Never shows a message of the store. */
export function classifyS3Error(error: unknown): ErrorClass | undefined {
  if (!(error instanceof Error)) return undefined;
  const explained = EXPLAINED.get(error);
  if (explained !== undefined) return explained;
  const facts = readError(error);
  const found = findClass(facts);
  if (found === undefined) return undefined;
  const retryAfterMs = parseRetryAfter(facts.headers["retry-after"]);
  const said = describeAnswer(facts);
  return {
    ...found,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    detail: said === undefined ? found.detail : `${found.detail ?? "the store refuses"} (${said})`,
  };
}

/** The bucket's region, where S3 says that the request went to another one. Its text may become part of a host name. */
export function findBucketRegion(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { status, headers, region } = readError(error);
  if (status !== 301 && status !== 307 && status !== 400) return undefined;
  const found = headers["x-amz-bucket-region"] ?? region;
  return found !== undefined && /^[a-z0-9-]{1,63}$/.test(found) ? found : undefined;
}

/** The HTTP status and S3 code of an error, for decisions of a call that knows more. */
export function answerOf(error: unknown): Pick<S3Error, "status" | "s3Code"> {
  return error instanceof Error ? readError(error) : { status: undefined, s3Code: undefined };
}

function findClass(facts: S3Error): ErrorClass | undefined {
  const { s3Code, networkCode = "", status, name } = facts;
  const known = lookUp(BY_S3_CODE, s3Code) ?? lookUp(BY_NETWORK_CODE, networkCode);
  if (known !== undefined) return known;
  if (networkCode.startsWith("HPE_")) return BY_NETWORK_CODE["HPE_*"];
  if (networkCode.startsWith("ERR_SSL_")) return BY_NETWORK_CODE["ERR_SSL_*"];
  if (name === "AbortError") return { code: "canceled" };
  if (name === "TimeoutError") return BY_NETWORK_CODE["ETIMEDOUT"];
  if (status === undefined) return undefined;
  if (status === 400 && facts.headers["x-amz-bucket-region"] !== undefined) return WRONG_REGION;
  return BY_STATUS[status] ?? BY_STATUS[status >= 500 ? 500 : status >= 400 ? 400 : 200];
}

function readError(error: Error): S3Error {
  const fields = error as Error & Record<string, unknown>;
  const response = asRecord(fields["$response"]);
  const status = asRecord(fields["$metadata"])["httpStatusCode"];
  return {
    name: error.name,
    s3Code: shortText(fields["Code"]) ?? knownName(error.name),
    networkCode: shortText(fields["code"]),
    status: typeof status === "number" ? status : undefined,
    headers: asRecord(response["headers"]) as Readonly<Record<string, string>>,
    region: shortText(fields["Region"]),
  };
}

/** The SDK gives a HEAD's 404 a name and no code. */
function knownName(name: string): string | undefined {
  return Object.hasOwn(BY_S3_CODE, name) ? name : undefined;
}

function describeAnswer({ s3Code, status, networkCode }: S3Error): string | undefined {
  if (status === undefined) return networkCode;
  return s3Code === undefined ? `HTTP ${String(status)}` : `${s3Code}, HTTP ${String(status)}`;
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** A code or region: a hostile endpoint could put anything there, so only what looks like one is shown. */
function shortText(value: unknown): string | undefined {
  return typeof value === "string" && /^[A-Za-z0-9_.:-]{1,64}$/.test(value) ? value : undefined;
}
