import { isUtf8 } from "node:buffer";

/*
 * Names are handled as byte strings: one character (0 to 255) per byte. Then every name is representable, JavaScript's
 * own order of strings is the order of bytes, and a name becomes text only when it leaves.
 */

/** UTF-8 text as a byte string. */
export function toByteString(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** A byte string as text; undefined when it is not UTF-8. */
export function fromByteString(bytes: string): string | undefined {
  const buffer = Buffer.from(bytes, "latin1");
  return isUtf8(buffer) ? buffer.toString("utf8") : undefined;
}

/** A byte string for people: UTF-8 where it is that, other bytes as `\xff`. */
export function toShownName(bytes: string): string {
  return (
    fromByteString(bytes) ??
    bytes.replace(
      /[\u0080-\u00ff]/g,
      (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
    )
  );
}
