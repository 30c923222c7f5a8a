import type { TokenSource } from "./credentials.ts";
import { DatabricksFault } from "./errors.ts";
import { readText, type Answer, type Sender } from "./sender.ts";

/** One request to the Files API. */
export interface FilesRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "DELETE";
  readonly of: "files" | "directories";
  /** Parts of the path below the volume; none: the volume itself. */
  readonly segments: readonly string[];
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | undefined;
}

/** What a client is made with. */
export interface FilesClientDeps {
  readonly sender: Sender;
  readonly tokens: TokenSource;
  /** `Volumes/<catalog>/<schema>/<volume>`. */
  readonly volumePath: string;
}

/** The Files API of one volume. A token that the workspace refuses is renewed once, where another can be had. */
export class FilesClient {
  readonly #deps: FilesClientDeps;
  readonly #base: string;

  constructor(deps: FilesClientDeps) {
    this.#deps = deps;
    this.#base = encodePath(deps.volumePath.split("/"));
  }

  /** Resolves with an answer of the 200s, whose body must be read or destroyed. Anything else is a `DatabricksFault`. */
  async send(request: FilesRequest, signal: AbortSignal): Promise<Answer> {
    const token = await this.#deps.tokens.get(signal);
    const answer = await this.#sendAs(token.reveal(), request, signal);
    if (answer.statusCode === 401 && this.#deps.tokens.renew(token)) {
      await answer.body.dump();
      const renewed = await this.#deps.tokens.get(signal);
      return succeeded(request.of, await this.#sendAs(renewed.reveal(), request, signal));
    }
    return succeeded(request.of, answer);
  }

  #sendAs(token: string, request: FilesRequest, signal: AbortSignal): Promise<Answer> {
    const { method, of, segments, query, headers, body } = request;
    const path = segments.length === 0 ? this.#base : `${this.#base}/${encodePath(segments)}`;
    const search = query === undefined ? "" : `?${new URLSearchParams(query).toString()}`;
    return this.#deps.sender.send({
      method,
      path: `/api/2.0/fs/${of}/${path}${search}`,
      headers: { ...headers, authorization: `Bearer ${token}` },
      body,
      signal,
    });
  }
}

/** Each part by itself: the vendor's own SDK sends the path as it is and loses `#`, `?` and `%`. */
function encodePath(segments: readonly string[]): string {
  return segments.map(encodeURIComponent).join("/");
}

async function succeeded(of: FilesRequest["of"], answer: Answer): Promise<Answer> {
  const { statusCode: status, headers, body } = answer;
  if (status >= 200 && status < 300) return answer;
  const retryAfter = headers["retry-after"];
  throw new DatabricksFault(of, {
    status,
    body: await readText(body),
    retryAfter: typeof retryAfter === "string" ? retryAfter : undefined,
  });
}
