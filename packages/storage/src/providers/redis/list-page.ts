import { isUtf8 } from "node:buffer";
import type { ListPage, UnreadableEntry } from "../../driver.ts";
import { RedisReplyError } from "./resp.ts";
import type { ScannedNames } from "./scan.ts";
import type { RedisSession } from "./session.ts";

/** Which of the scanned names become keys. */
export interface PageRules {
  /** What stands before every key and is left out of it. */
  readonly root: string;
  /** Only names without a slash behind it; undefined: all. */
  readonly folder: string | undefined;
}

/** Refusals that concern one key alone. It is listed without a size; reading it says what is wrong. */
const OF_ONE_KEY: ReadonlySet<string> = new Set(["WRONGTYPE", "NOPERM"]);

/**
 * Looks up the sizes of scanned names and makes a page of them. Names that are no UTF-8, or nothing at all, become
 * unreadable entries. Keys of other types than string are in it: what they hold is found out, and said, when they are read.
 */
export async function makePage(
  session: RedisSession,
  { names, cursor }: ScannedNames,
  { root, folder }: PageRules,
): Promise<ListPage> {
  const keys: string[] = [];
  const unreadable: UnreadableEntry[] = [];
  for (const name of names) {
    const bytes = Buffer.from(name, "latin1");
    const text = isUtf8(bytes) ? bytes.toString() : undefined;
    if (text === undefined || text.length === root.length)
      unreadable.push(toUnreadable(name, text));
    else if (folder === undefined || !text.slice(folder.length).includes("/")) keys.push(text);
  }
  const replies = await session.sendAll(keys.map((key) => ["STRLEN", key]));
  return {
    keys: keys.map((key) => key.slice(root.length)),
    sizes: replies.map((reply) => {
      if (!(reply instanceof RedisReplyError)) return typeof reply === "number" ? reply : 0;
      if (OF_ONE_KEY.has(reply.word)) return 0;
      throw reply;
    }),
    etags: keys.map(() => ""),
    modified: keys.map(() => 0),
    ...(cursor === undefined ? {} : { cursor }),
    ...(unreadable.length === 0 ? {} : { unreadable }),
  };
}

function toUnreadable(name: string, text: string | undefined): UnreadableEntry {
  const shown = name.replace(
    /[\u0080-\u00ff]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  const reason =
    text === undefined
      ? "the key is not UTF-8: rename it"
      : "the key is nothing but the path: rename it, or shorten the path";
  return { name: text ?? shown, code: "key_not_utf8", reason };
}
