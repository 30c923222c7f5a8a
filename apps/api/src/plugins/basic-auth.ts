import type { Clock } from "@bucketbridge/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ApiError, forbidden, notAuthenticated } from "../api-error.ts";
import type { Identity } from "../identity.ts";
import { isAllowed, type Permission } from "../permissions.ts";
import type { Authenticate } from "./auth.ts";
import { sendEnvelope } from "./errors.ts";

/** Failures of one address within a window; then it waits for the next one. */
const MAX_FAILURES = 10;
const WINDOW_MS = 60_000;
/** Addresses that are remembered; the oldest is forgotten first. */
const MAX_ADDRESSES = 10_000;

/** Counts failed attempts per address. */
export class FailureLimiter {
  readonly #clock: Clock;
  readonly #windows = new Map<string, { failures: number; endsAtMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Seconds to wait, or undefined when the address may try. */
  secondsToWait(address: string): number | undefined {
    const window = this.#windows.get(address);
    const leftMs = (window?.endsAtMs ?? 0) - this.#clock.now();
    if (window === undefined || window.failures < MAX_FAILURES || leftMs <= 0) return undefined;
    return Math.ceil(leftMs / 1_000);
  }

  recordFailure(address: string): void {
    const nowMs = this.#clock.now();
    const known = this.#windows.get(address);
    const window =
      known !== undefined && known.endsAtMs > nowMs
        ? known
        : { failures: 0, endsAtMs: nowMs + WINDOW_MS };
    window.failures++;
    this.#windows.delete(address);
    this.#windows.set(address, window);
    const [oldest] = this.#windows.keys();
    if (this.#windows.size > MAX_ADDRESSES && oldest !== undefined) this.#windows.delete(oldest);
  }
}

/** What HTTP Basic is checked with. */
export interface BasicAuthOptions {
  readonly realm: string;
  readonly permission: Permission;
  readonly authenticate: Authenticate;
  readonly limiter: FailureLimiter;
}

/**
 * HTTP Basic for every route of a scope: any name, and a legacy token as the password. Whoever guesses is slowed down.
 * The answer is sent from here, since third-party plugins bring error handlers of their own.
 */
export function registerBasicAuth(scope: FastifyInstance, options: BasicAuthOptions): void {
  scope.addHook("onRoute", (route) => {
    route.config = { ...route.config, permission: options.permission, scheme: "basic" };
  });
  scope.addHook("onRequest", async (request, reply) => {
    const failure = await check(request, options);
    if (failure === undefined) return;
    await sendEnvelope(failure, request, challenge(reply, failure, options));
  });
}

function challenge(
  reply: FastifyReply,
  failure: ApiError,
  { realm }: BasicAuthOptions,
): FastifyReply {
  return failure.status === 401
    ? reply.header("www-authenticate", `Basic realm="${realm}", charset="UTF-8"`)
    : reply;
}

async function check(
  request: FastifyRequest,
  options: BasicAuthOptions,
): Promise<ApiError | undefined> {
  const { limiter, permission } = options;
  const wait = limiter.secondsToWait(request.ip);
  if (wait !== undefined) return tooMany(wait);
  const token = readPassword(request.headers.authorization);
  const identity = token === undefined ? undefined : await findIdentity(token, request, options);
  if (identity === undefined) return withoutTokenChallenge();
  request.identity = identity;
  return isAllowed(identity.role, permission) ? undefined : forbidden();
}

async function findIdentity(
  token: string,
  request: FastifyRequest,
  { authenticate, limiter }: BasicAuthOptions,
): Promise<Identity | undefined> {
  try {
    return await authenticate(`Token ${token}`);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
    limiter.recordFailure(request.ip);
    return undefined;
  }
}

/** 401 whose challenge is Basic: a browser then asks for a name and a password. */
function withoutTokenChallenge(): ApiError {
  const { message, code } = notAuthenticated();
  return new ApiError({ status: 401, code, detail: message });
}

function tooMany(seconds: number): ApiError {
  return new ApiError({
    status: 429,
    code: "rate_limited",
    detail: "Too many failed attempts. Try again later.",
    headers: { "retry-after": String(seconds) },
  });
}

function readPassword(authorization: string | undefined): string | undefined {
  const encoded = /^basic\s+([a-z0-9+/=_-]+)$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const password = text.slice(text.indexOf(":") + 1);
  return password === "" || /\s/.test(password) ? undefined : password;
}
