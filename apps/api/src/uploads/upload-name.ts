import { randomBytes } from "node:crypto";
import { utf8Length } from "@bucketbridge/core";

/** File systems take 255 bytes, of which the random part and the number of a part need some. */
const MAX_NAME_BYTES = 120;

/**
 * What the contract calls an uploaded file: eight random hexadecimal digits and the caller's name without anything that could be
 * a path or markup. No caller can choose a name that is there already.
 */
export function toUploadName(given: string): string {
  return `${randomBytes(4).toString("hex")}-${toSafeName(given)}`;
}

/** Letters, digits, `_`, `-` and `.` of the last part of a path; a long name keeps its ending. */
export function toSafeName(given: string): string {
  const last = given.split(/[/\\]/).at(-1) ?? "";
  const plain = last
    .normalize("NFC")
    .trim()
    .replaceAll(/\s/g, "_")
    .replaceAll(/[^\p{L}\p{M}\p{N}_.-]/gu, "")
    .replace(/^\.+/, "");
  if (plain === "") return "file";
  const ending = cut(toExtension(plain), MAX_NAME_BYTES / 2);
  const stem = cut(
    plain.slice(0, plain.length - ending.length),
    MAX_NAME_BYTES - utf8Length(ending),
  );
  return stem + ending;
}

/** The first characters, as many as fit. */
function cut(text: string, maxBytes: number): string {
  let room = maxBytes;
  const isFitting = (character: string): boolean => (room -= utf8Length(character)) >= 0;
  const characters = Array.from(text);
  const end = characters.findIndex((character) => !isFitting(character));
  return end === -1 ? text : characters.slice(0, end).join("");
}

/** `.csv` of `a.CSV`; "" where there is none. */
export function toExtension(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot === -1 ? "" : name.slice(dot).toLowerCase();
}
