import { z } from "zod";
import type { FilesClient } from "./client.ts";
import { CURSOR_EXPIRED, MALFORMED } from "./error-table.ts";
import { DatabricksFault, DatabricksRefusal } from "./errors.ts";
import { readText } from "./sender.ts";

/** No store below a volume takes a longer path. A name without end would be repeated in the path of everything below it. */
const MAX_NAME_CHARS = 1_024;

/** Largest page of the service. */
export const MAX_PAGE_SIZE = 1_000;

/** A file of a directory. */
export interface ListedFile {
  readonly name: string;
  readonly size: number;
  /** Milliseconds since the epoch, 0 where the workspace gave none. */
  readonly modified: number;
}

/** One page of one directory. It may be empty and have a next one. */
export interface DirectoryPage {
  readonly files: readonly ListedFile[];
  readonly directories: readonly string[];
  /** Names that can be no part of a key. */
  readonly unusable: readonly string[];
  readonly nextToken: string | undefined;
}

/** A directory with nothing in it. */
export const EMPTY_PAGE: DirectoryPage = {
  files: [],
  directories: [],
  unusable: [],
  nextToken: undefined,
};

/** Which page. With a token every other field must be what it was. */
export interface DirectoryRequest {
  readonly segments: readonly string[];
  readonly token: string | undefined;
  readonly size: number;
}

const answerShape = z.object({
  contents: z
    .array(
      z.object({
        name: z.string().optional(),
        path: z.string(),
        is_directory: z.boolean().optional(),
        file_size: z.number().nonnegative().optional(),
        last_modified: z.number().nonnegative().optional(),
      }),
    )
    .optional(),
  next_page_token: z.string().optional(),
  error_code: z.unknown().optional(),
});

/** Asks for one page of one directory; a missing directory is a fault. */
export async function fetchDirectoryPage(
  client: FilesClient,
  { segments, token, size }: DirectoryRequest,
  signal: AbortSignal,
): Promise<DirectoryPage> {
  const query = { page_size: String(size), ...(token === undefined ? {} : { page_token: token }) };
  try {
    const answer = await client.send({ method: "GET", of: "directories", segments, query }, signal);
    return toPage(await readText(answer.body));
  } catch (error) {
    const isRefused = error instanceof DatabricksFault && error.status === 400;
    // With a path that worked before, nothing but the token can be wrong.
    if (isRefused && token !== undefined) throw new DatabricksRefusal(CURSOR_EXPIRED);
    throw error;
  }
}

function toPage(text: string): DirectoryPage {
  const json = parseJson(text);
  // Looked at before anything is made of the entries: a host could send hundreds of thousands.
  const parsed = hasTooMany(json) ? undefined : answerShape.safeParse(json);
  if (parsed?.success !== true) throw new DatabricksRefusal(MALFORMED);
  const { contents = [], next_page_token: next, error_code: errorCode } = parsed.data;
  if (errorCode !== undefined)
    throw new DatabricksFault("directories", { status: 200, body: text });
  const files: ListedFile[] = [];
  const directories: string[] = [];
  const unusable: string[] = [];
  for (const entry of contents) {
    const name = entry.name ?? lastPart(entry.path);
    if (!isUsable(name)) unusable.push(name);
    else if (entry.is_directory === true) directories.push(name);
    else files.push({ name, size: entry.file_size ?? 0, modified: entry.last_modified ?? 0 });
  }
  return { files, directories, unusable, nextToken: next === "" ? undefined : next };
}

function hasTooMany(json: unknown): boolean {
  if (typeof json !== "object" || json === null || !("contents" in json)) return false;
  return Array.isArray(json.contents) && json.contents.length > MAX_PAGE_SIZE;
}

/** A name is one part of a path: anything else would lead out of the directory that was asked for. */
function isUsable(name: string): boolean {
  return (
    name !== "" &&
    name.length <= MAX_NAME_CHARS &&
    name !== "." &&
    name !== ".." &&
    !name.includes("/") &&
    !name.includes("\u0000") &&
    name.isWellFormed()
  );
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
