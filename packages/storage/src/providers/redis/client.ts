import { untilAborted } from "@bucketbridge/core";
import type { Egress } from "../../egress/egress.ts";
import { dial } from "../../egress/dial.ts";
import type { RedisCredentials } from "./credentials.ts";
import { WRONG_DB } from "./error-table.ts";
import { classifyRedisError, RedisFault } from "./errors.ts";
import { RedisReplyError } from "./resp.ts";
import { RedisSession } from "./session.ts";
import type { RedisPlace } from "./settings.ts";

/** What a client is made with. */
export interface RedisClientDeps {
  readonly place: RedisPlace;
  readonly credentials: RedisCredentials | undefined;
  readonly egress: Pick<Egress, "resolve">;
}

/** Connecting, TLS, AUTH and SELECT together. Deadlines of calls are the business of the decorators. */
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * The sessions of one storage, one at a time, made by the first call that needs one and again after it has ended. A session
 * is given out only when the server has said yes to the user and to the database: a client that goes on after a refused
 * SELECT works on database 0.
 */
export class RedisClient {
  readonly #deps: RedisClientDeps;
  #session: Promise<RedisSession> | undefined;
  #isClosed = false;

  constructor(deps: RedisClientDeps) {
    this.#deps = deps;
  }

  /** Makes a call. Rejects with the server's error, what ended the session, or the signal's reason as soon as it is aborted. */
  async run<T>(call: (session: RedisSession) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const session = await untilAborted(this.#connected(), signal);
    try {
      return await untilAborted(call(session), signal);
    } catch (error) {
      // After a failover the name leads to the new primary: the next call connects anew.
      if (error instanceof RedisReplyError && error.word === "READONLY")
        session.fail(new RedisFault(classifyRedisError(error) ?? { code: "unavailable" }));
      throw error;
    }
  }

  /** Ends the session and everything that waits for it. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const session = await this.#session?.catch(() => undefined);
    session?.fail(closed());
  }

  async #connected(): Promise<RedisSession> {
    if (this.#isClosed) throw closed();
    const current = this.#session;
    const session = await current?.catch(() => undefined);
    if (session?.isOpen === true) return session;
    // Whoever came first after the end of the old session connects for all.
    if (this.#session === current) this.#session = this.#connect();
    return (this.#session ??= this.#connect());
  }

  async #connect(): Promise<RedisSession> {
    const { place, egress } = this.#deps;
    const signal = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
    const session = new RedisSession(await dial(egress, place, signal));
    try {
      await untilAborted(this.#introduce(session), signal);
      if (this.#isClosed) throw closed();
      return session;
    } catch (error) {
      session.fail(closed());
      throw error;
    }
  }

  async #introduce(session: RedisSession): Promise<void> {
    const { place, credentials } = this.#deps;
    if (credentials !== undefined) {
      const { username, password } = credentials;
      const user = username === undefined ? [] : [username];
      await session.send("AUTH", ...user, password.reveal());
    }
    await session.send("SELECT", String(place.db)).catch((error: unknown) => {
      throw explainSelect(error, place.db);
    });
  }
}

/** The same refusal means another thing here: without the database nothing may be done. */
function explainSelect(error: unknown, db: number): unknown {
  if (!(error instanceof RedisReplyError)) return error;
  const known = classifyRedisError(error);
  const which = `database ${String(db)}`;
  if (known?.reason === WRONG_DB.reason)
    return new RedisFault({ ...WRONG_DB, detail: `the server has no ${which}` });
  if (error.word !== "NOPERM") return error;
  return new RedisFault({
    ...WRONG_DB,
    detail: `the user may not select ${which}`,
    hint: "allow the user SELECT (+select)",
  });
}

function closed(): RedisFault {
  return new RedisFault({ code: "canceled", detail: "the storage was closed" });
}
