import { AppError } from "@bucketbridge/core";

/** The API of this system, spoken to as any client would. */
export interface ApiClient {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<T>;
}

/** Longer than the ten seconds that a sync may wait for its end. */
const REQUEST_TIMEOUT_MS = 60_000;

/** A client with a token. An answer that is no 2xx becomes an `AppError` with what the API said. */
export function createApiClient(baseUrl: string, token: string): ApiClient {
  const request = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(new URL(path, baseUrl), {
      method,
      headers: {
        authorization: `Token ${token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const text = await response.text();
    if (!response.ok) {
      throw new AppError({
        code: "internal",
        message: `${method} ${path} answered ${String(response.status)}: ${text.slice(0, 500)}`,
      });
    }
    return JSON.parse(text) as T;
  };
  return { get: (path) => request("GET", path), post: (path, body) => request("POST", path, body) };
}

/** Polls a public path until it answers 200. `isAlive` ends the wait early when the process behind it gave up. */
export async function waitUntilReady(
  url: string,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const deadlineMs = performance.now() + options.timeoutMs;
  while (performance.now() < deadlineMs) {
    options.signal.throwIfAborted();
    if (await answers(url)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new AppError({
    code: "timeout",
    message: `${url} did not answer within ${String(options.timeoutMs / 1_000)} s`,
  });
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  } catch (error) {
    // Nobody listens yet: that is what we are waiting for.
    if (
      error instanceof TypeError ||
      (error instanceof DOMException && error.name === "TimeoutError")
    )
      return false;
    throw error;
  }
}
