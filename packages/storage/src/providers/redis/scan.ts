import type { ListRequest } from "../../driver.ts";
import { RedisFault } from "./errors.ts";
import { RedisProtocolError, toText } from "./resp.ts";
import type { RedisSession } from "./session.ts";

/** Where a listing stands. */
interface Position {
  /** The process of the server that gave the token: another one orders its keys in another way. "" where it does not tell. */
  readonly server: string;
  /** "0": at the start, or behind the end. */
  readonly token: string;
  /** Names that the server gave already and the last page had no room for. A byte is a char of them. */
  readonly rest: readonly string[];
}

/** Names of one page, a byte a char, and the cursor behind them. */
export interface ScannedNames {
  readonly names: readonly string[];
  readonly cursor: string | undefined;
}

/** Rounds of one page: where few keys match, the listing still comes back with a cursor every few thousand keys. */
const MAX_ROUNDS = 32;

/** Keys that one round looks at, at least: below this the round trip costs more than the keys. */
const MIN_COUNT = 10;

/** A table that is being made smaller gives several buckets at once, never so many that a cursor could not hold them. */
const MAX_REST = 20_000;

/**
 * The next names that begin with `match` (SCAN, never KEYS, which stops the server). In no order, and the same name may
 * come again in another page while the server makes its table smaller; each key that is there from the beginning to the
 * end comes at least once. Throws `redis.cursor_expired` for a cursor of another process of the server.
 */
export async function scanNames(
  session: RedisSession,
  match: string,
  { cursor, limit }: Pick<ListRequest, "cursor" | "limit">,
  signal: AbortSignal,
): Promise<ScannedNames> {
  const server = await findServer(session);
  const start = cursor === undefined ? undefined : fromCursor(cursor);
  if (start !== undefined && start.server !== server) throw expired("the server was restarted");
  const names = new Set(start?.rest);
  let token = start?.token ?? "0";
  let isOver = start !== undefined && token === "0";
  for (let round = 0; !isOver && names.size < limit && round < MAX_ROUNDS; round++) {
    signal.throwIfAborted();
    const count = Math.max(MIN_COUNT, limit - names.size);
    const found = await scanOnce(session, { token, match, count });
    for (const name of found.names) names.add(name);
    if (names.size > limit + MAX_REST)
      throw new RedisProtocolError("a listing gave more keys than were asked for");
    ({ token } = found);
    isOver = token === "0";
  }
  const all = [...names];
  const rest = all.slice(limit);
  const next = isOver && rest.length === 0 ? undefined : toCursor({ server, token, rest });
  return { names: all.slice(0, limit), cursor: next };
}

async function scanOnce(
  session: RedisSession,
  {
    token,
    match,
    count,
  }: { readonly token: string; readonly match: string; readonly count: number },
): Promise<{ readonly names: readonly string[]; readonly token: string }> {
  const pattern = match === "" ? [] : ["MATCH", `${escapeGlob(match)}*`];
  const reply = await session.send("SCAN", token, ...pattern, "COUNT", String(count));
  const [next, found] = Array.isArray(reply) ? (reply as readonly unknown[]) : [];
  if (!Buffer.isBuffer(next) || !Array.isArray(found))
    throw new RedisProtocolError("the answer to SCAN is none");
  const names = (found as readonly unknown[]).filter((name) => Buffer.isBuffer(name));
  return { names: names.map((name) => name.toString("latin1")), token: next.toString("latin1") };
}

/** Characters that mean something in a pattern of Redis. */
function escapeGlob(text: string): string {
  return text.replaceAll(/[\\*?[\]]/g, String.raw`\$&`);
}

/** Asked once per session. A user without INFO, or a proxy, does not tell; then a restart cannot be noticed. */
const SERVERS = new WeakMap<RedisSession, Promise<string>>();

function findServer(session: RedisSession): Promise<string> {
  let found = SERVERS.get(session);
  if (found === undefined) {
    found = session.sendAll([["INFO", "server"]]).then(([info]) => {
      return /^run_id:([0-9a-f]{1,64})\r?$/m.exec(toText(info))?.[1] ?? "";
    });
    SERVERS.set(session, found);
  }
  return found;
}

function toCursor({ server, token, rest }: Position): string {
  return JSON.stringify([server, token, ...rest]);
}

function fromCursor(cursor: string): Position {
  try {
    const parts: unknown = JSON.parse(cursor);
    if (Array.isArray(parts) && parts.every((part) => typeof part === "string")) {
      const [server = "", token = "", ...rest] = parts;
      if (/^\d{1,20}$/.test(token)) return { server, token, rest };
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw expired("the cursor is none of this store");
}

function expired(detail: string): RedisFault {
  return new RedisFault({ code: "invalid_input", reason: "redis.cursor_expired", detail });
}
