import { randomBytes } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { z } from "zod";
import { CURSOR_EXPIRED } from "./error-table.ts";
import { DatabricksRefusal } from "./errors.ts";

/** A directory, or the rest of one, that is still to be listed. */
export interface Pending {
  /** Below the volume, without slashes at its ends; "" is the volume. */
  readonly path: string;
  /** Of the next page; absent: from the start. */
  readonly token?: string | undefined;
}

/** Where a walk stands: everything that another process needs to go on. */
export interface WalkState {
  /** Tells walks apart that happen to stand at the same place. */
  readonly id: string;
  pending: Pending[];
}

/** A directory that is listed from the start. */
export function startState(path: string): WalkState {
  return { id: randomBytes(6).toString("base64url"), pending: [{ path }] };
}

/**
 * As long as no more directories wait than this they are walked breadth first. With more of them depth first, which holds at
 * most a page of siblings per level: the state goes into the database with every page.
 */
const MAX_BREADTH = 256;

/** Indexes of the directories that come next, the first one first. */
export function nextIndexes({ pending }: WalkState, count: number): readonly number[] {
  const length = Math.min(count, pending.length);
  const isWide = pending.length > MAX_BREADTH;
  return Array.from({ length }, (_, index) => (isWide ? pending.length - 1 - index : index));
}

/** Takes the directory that comes next out, and puts in what its page brought: the rest of it, and directories below. */
export function advance(
  state: WalkState,
  nextToken: string | undefined,
  children: readonly string[],
): void {
  const isWide = state.pending.length > MAX_BREADTH;
  const done = isWide ? state.pending.pop() : state.pending.shift();
  if (done === undefined) return;
  const rest = nextToken === undefined ? [] : [{ path: done.path, token: nextToken }];
  const found = children.map((path) => ({ path }));
  state.pending = isWide
    ? [...state.pending, ...rest, ...found]
    : [...rest, ...state.pending, ...found];
}

const stateShape = z.tuple([
  z.string(),
  z.array(z.union([z.tuple([z.string()]), z.tuple([z.string(), z.string()])])),
]);

/** Neighbouring directories have most of their path in common, hence the compression. */
export function toCursor({ id, pending }: WalkState): string {
  const rows = pending.map(({ path, token }) => (token === undefined ? [path] : [path, token]));
  return deflateRawSync(JSON.stringify([id, rows])).toString("base64url");
}

/** A cursor comes from our own database; it is bounded all the same. */
const MAX_STATE_BYTES = 64 * 1024 * 1024;

/** A cursor that is none of ours means: list again from the start. */
export function fromCursor(cursor: string): WalkState {
  try {
    const bytes = inflateRawSync(Buffer.from(cursor, "base64url"), {
      maxOutputLength: MAX_STATE_BYTES,
    });
    const [id, rows] = stateShape.parse(JSON.parse(bytes.toString("utf8")));
    return { id, pending: rows.map(([path, token]) => ({ path, token })) };
  } catch (error) {
    if (error instanceof Error) throw new DatabricksRefusal(CURSOR_EXPIRED);
    throw error;
  }
}
