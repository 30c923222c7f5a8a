import type { Readable } from "node:stream";
import { AppError } from "@bucketbridge/core";
import type { Egress } from "../../egress/egress.ts";

/** Who answers: the same status means something else at each of them. */
export type GoogleService =
  "storage" | "token" | "sts" | "iam" | "metadata" | "subject_token" | "aws_sts";

/** One request. `url` is sent as it stands: nothing in its path is normalised. */
export interface GoogleRequest {
  readonly service: GoogleService;
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | Uint8Array | undefined;
  readonly signal: AbortSignal;
}

/** An answer below 300, its body unread: whoever does not read it destroys it. */
export interface GoogleAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
}

/** Deadlines are the business of the decorators; this ends what a driver without them would wait for. */
const ANSWER_TIMEOUT_MS = 60_000;

/** A page of 1,000 keys of 1 KB, escaped, has some 6 MB; a store could send for ever. */
const MAX_JSON_BYTES = 32 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;

/**
 * A refusal of one of Google's services. `said` is the service's own sentence: it is matched against, and never shown, since
 * it holds names of buckets, keys and accounts.
 */
export class GoogleFailure extends Error {
  readonly service: GoogleService;
  readonly status: number;
  /** `forbidden`, `notFound`, `invalid_grant` … */
  readonly reason: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly #said: string;

  constructor(
    service: GoogleService,
    { status, headers }: Pick<GoogleAnswer, "status" | "headers">,
    text: string,
  ) {
    super(`${service} answered ${String(status)}`);
    this.name = "GoogleFailure";
    const { reason, said } = readRefusal(text);
    this.service = service;
    this.status = status;
    this.headers = headers;
    this.reason = reason;
    this.#said = said;
  }

  /** Whether the service's sentence matches. */
  says(pattern: RegExp): boolean {
    return pattern.test(this.#said);
  }
}

/** Sends a request. Rejects with `GoogleFailure` for an answer of 300 and above; redirects are not followed. */
export async function sendRequest(egress: Egress, request: GoogleRequest): Promise<GoogleAnswer> {
  const { service, method, url, headers = {}, body, signal } = request;
  const pathAt = url.indexOf("/", url.indexOf("//") + 2);
  const answer = await egress.dispatcher.request({
    origin: url.slice(0, pathAt),
    path: url.slice(pathAt),
    method,
    headers: { ...headers, "user-agent": "bucketbridge" },
    body: body ?? null,
    signal,
    headersTimeout: ANSWER_TIMEOUT_MS,
    // It would count the time that the reader of a body takes for itself.
    bodyTimeout: 0,
  });
  const received = toPlainHeaders(answer.headers);
  if (answer.statusCode < 300)
    return { status: answer.statusCode, headers: received, body: answer.body };
  const text = await readText(answer.body, MAX_ERROR_BYTES);
  throw new GoogleFailure(service, { status: answer.statusCode, headers: received }, text ?? "");
}

/** As `sendRequest`, for an answer that is a JSON object. */
export async function requestJson(
  egress: Egress,
  request: GoogleRequest,
): Promise<Readonly<Record<string, unknown>>> {
  const { body } = await sendRequest(egress, request);
  return parseAnswer(await readText(body, MAX_JSON_BYTES));
}

/** The object that an answer holds. Throws `unavailable` for what is none. */
export async function readJsonBody(body: Readable): Promise<Readonly<Record<string, unknown>>> {
  return parseAnswer(await readText(body, MAX_JSON_BYTES));
}

/** A text of at most `maxBytes`; undefined when it is longer. */
export async function readText(body: Readable, maxBytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** An answer that is not what the service promises. */
export function malformedAnswer(what: string): AppError {
  return new AppError({
    code: "unavailable",
    reason: "gcs.malformed_answer",
    message: `the answer is not one of Google's: ${what}`,
  });
}

function parseAnswer(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined) throw malformedAnswer("it is too large");
  const parsed = parseObject(text);
  if (parsed === undefined) throw malformedAnswer("it is no JSON object");
  return parsed;
}

/** A JSON object, or undefined for any other text. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

interface Refusal {
  readonly reason: string | undefined;
  readonly said: string;
}

/** JSON as the APIs send it, as OAuth sends it, or plain text (downloads). */
function readRefusal(text: string): Refusal {
  const { error, error_description: description } = parseObject(text) ?? {};
  if (typeof error === "string") {
    return {
      reason: shortText(error),
      said: typeof description === "string" ? description : error,
    };
  }
  if (typeof error !== "object" || error === null) return { reason: undefined, said: text };
  const { errors, status, message } = error as Record<string, unknown>;
  const [first] = Array.isArray(errors) ? (errors as { reason?: unknown }[]) : [];
  return {
    reason: shortText(first?.reason) ?? shortText(status),
    said: typeof message === "string" ? message : "",
  };
}

/** A word of a service: a hostile host could put anything there, so only what looks like one is shown. */
function shortText(value: unknown): string | undefined {
  return typeof value === "string" && /^[A-Za-z0-9_.-]{1,64}$/.test(value) ? value : undefined;
}

function toPlainHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(", ") : value]],
    ),
  );
}
