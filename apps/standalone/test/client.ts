/** A JSON object of an answer. */
export type Json = Record<string, unknown>;

/** An answer: what came, and its body where it is JSON. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body: Json;
}

/** The one way in: HTTP, with a token, as any script of a user. */
export interface Client {
  call(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: Json): Promise<Answer>;
}

const REQUEST_TIMEOUT_MS = 25_000;

/** A client of the API at `address`. */
export function createClient(address: string, token: string): Client {
  return {
    call: async (method, path, body) => {
      const response = await fetch(new URL(path, address), {
        method,
        headers: {
          authorization: `Token ${token}`,
          // The children end before the sockets of a pool would.
          connection: "close",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      const text = await response.text();
      const isJson = /^[[{]/.test(text);
      return { status: response.status, text, body: isJson ? (JSON.parse(text) as Json) : {} };
    },
  };
}
