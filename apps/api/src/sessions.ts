import { randomBytes } from "node:crypto";
import type { Member, SessionHolder } from "@bucketbridge/db";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ApiDeps } from "./deps.ts";
import { readCookie } from "./plugins/cookies.ts";
import { hashToken } from "./tokens.ts";

const COOKIE = "bucketbridge_session";
const TOKEN_BYTES = 32;

/** A week at most, and a day without a visit. */
const LIFE = { ttlSeconds: 7 * 24 * 3_600, idleSeconds: 24 * 3_600 } as const;

type Deps = Pick<ApiDeps, "sessions" | "settings">;

/** Sessions of browsers: a random cookie here, its hash in the database. */
export class Sessions {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** The hash of the request's cookie; undefined without one. */
  hashOf(request: Pick<FastifyRequest, "headers">): Uint8Array<ArrayBuffer> | undefined {
    const token = readCookie(request.headers.cookie, COOKIE);
    return token === undefined || token === "" ? undefined : hashToken(token);
  }

  /** Undefined for a cookie that opens nothing (any more), and without one. */
  async find(request: Pick<FastifyRequest, "headers">): Promise<Member | undefined> {
    const tokenHash = this.hashOf(request);
    return tokenHash && this.#deps.sessions.findHolder(tokenHash, LIFE);
  }

  /** Begins a session and hands the browser its cookie. A session that the browser had is ended: nobody can plant one. */
  async begin(holder: SessionHolder, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    await this.#endStored(request);
    const token = randomBytes(TOKEN_BYTES).toString("base64url");
    await this.#deps.sessions.create(holder, hashToken(token), LIFE);
    this.#setCookie(request, reply, `${COOKIE}=${token}; Max-Age=${String(LIFE.ttlSeconds)}`);
  }

  /** Ends the session of the request and takes the cookie back. */
  async end(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    await this.#endStored(request);
    this.#setCookie(request, reply, `${COOKIE}=; Max-Age=0`);
  }

  async #endStored(request: FastifyRequest): Promise<void> {
    const tokenHash = this.hashOf(request);
    if (tokenHash !== undefined) await this.#deps.sessions.end(tokenHash);
  }

  #setCookie({ protocol }: FastifyRequest, reply: FastifyReply, cookie: string): void {
    const isSecure = protocol === "https" || this.#deps.settings.hostPrefix.startsWith("https:");
    const secure = isSecure ? "; Secure" : "";
    reply.header("set-cookie", `${cookie}; Path=/; HttpOnly; SameSite=Lax${secure}`);
  }
}
