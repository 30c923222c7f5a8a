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
  /** For programs that bring their own client. */
  readonly address: string;
  readonly token: string;
  call(
    method: "GET" | "POST" | "PATCH" | "DELETE",
    path: string,
    body?: Json | readonly Json[] | string,
  ): Promise<Answer>;
}

/** Long enough for a body of 50 MB on a machine that does other work too. */
const REQUEST_TIMEOUT_MS = 60_000;

/** A client of the API at `address`. */
export function createClient(address: string, token: string): Client {
  return {
    address,
    token,
    call: async (method, path, body) => {
      const response = await fetch(new URL(path, address), {
        method,
        headers: {
          authorization: `Token ${token}`,
          // The children end before the sockets of a pool would.
          connection: "close",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: toText(body) }),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      const text = await response.text();
      const isJson = /^[[{]/.test(text);
      return { status: response.status, text, body: isJson ? (JSON.parse(text) as Json) : {} };
    },
  };
}

/** A text is sent as it is: some of them are no JSON on purpose. */
function toText(body: Json | readonly Json[] | string): string {
  return typeof body === "string" ? body : JSON.stringify(body);
}
