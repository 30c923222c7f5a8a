import type { ErrorClass } from "../../driver.ts";
import { lookUp } from "../look-up.ts";
import { BY_ERR_TEXT, BY_NETWORK_CODE, BY_WORD, OTHER_ERR, PROTOCOL } from "./error-table.ts";
import { RedisProtocolError, RedisReplyError } from "./resp.ts";

/** What this driver itself refuses or finds out; everything else it throws came from the server or the socket. */
export class RedisFault extends Error {
  override readonly name = "RedisFault";
  readonly class: ErrorClass;

  constructor(fault: ErrorClass) {
    super(fault.detail ?? fault.code);
    this.class = fault;
  }
}

/** What an error of the driver means; undefined for errors that it does not know. Shows no text of the server but its first word. */
export function classifyRedisError(error: unknown): ErrorClass | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof RedisFault) return error.class;
  if (error instanceof RedisReplyError) return classifyReply(error);
  if (error instanceof RedisProtocolError)
    return { ...PROTOCOL, detail: `${PROTOCOL.detail ?? ""}: ${error.message}` };
  if (error.name === "AbortError") return { code: "canceled" };
  if (error.name === "TimeoutError") return BY_NETWORK_CODE["ETIMEDOUT"];
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const known = lookUp(BY_NETWORK_CODE, code.startsWith("ERR_SSL_") ? "ERR_SSL_*" : code);
  return known === undefined ? undefined : withWord(known, code);
}

function classifyReply(error: RedisReplyError): ErrorClass {
  const { word } = error;
  const known = lookUp(BY_WORD, word);
  if (known !== undefined) return withWord(known, word);
  const found = BY_ERR_TEXT.find(([text]) => text.test(error.message));
  return withWord(found?.[1] ?? OTHER_ERR, word === "" ? "an error without a name" : word);
}

function withWord(known: ErrorClass, word: string): ErrorClass {
  return { ...known, detail: `${known.detail ?? known.code} (${word})` };
}
