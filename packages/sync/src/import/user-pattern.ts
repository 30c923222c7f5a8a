import { AppError, isAppError, MAX_PATTERN_CHARS } from "@bucketbridge/core";
import { RE2JS } from "re2js";
import { translatePythonPattern } from "./python-pattern.ts";

/** A compiled regular expression that a user typed. Matching takes time linear in the text, whatever the pattern. */
export interface UserPattern {
  /** Python's `re.match(pattern, text) is not None`: anchored at the start, not at the end. */
  test(text: string): boolean;
}

/**
 * Instructions of a compiled program. Where the matcher cannot cache states it needs about 10 ns for each instruction and
 * character, so this bounds a key of 1,024 characters to some 25 ms. `.{1,1000}` has 2,002.
 */
const MAX_PROGRAM_SIZE = 2_500;

/** Compiling costs up to tens of milliseconds and every page of a run asks again; one entry holds up to some MB of states. */
const CACHED_PATTERNS = 64;

const cache = new Map<string, UserPattern>();

/**
 * Compiles a regular expression written for Python's `re.match`; the same pattern gives the same object while it is cached.
 * Throws `invalid_input` with reason `pattern.too_long` (over `MAX_PATTERN_CHARS`), `pattern.unsupported` (valid in Python, not
 * possible in linear time; the message names the construct) or `pattern.invalid`.
 */
export function compileUserPattern(pattern: string): UserPattern {
  const known = cache.get(pattern);
  if (known !== undefined) {
    cache.delete(pattern);
    cache.set(pattern, known);
    return known;
  }
  const compiled = compile(pattern);
  cache.set(pattern, compiled);
  const [oldest] = cache.keys();
  if (cache.size > CACHED_PATTERNS && oldest !== undefined) cache.delete(oldest);
  return compiled;
}

function compile(pattern: string): UserPattern {
  if (pattern.length > MAX_PATTERN_CHARS) {
    throw new AppError({
      code: "invalid_input",
      reason: "pattern.too_long",
      op: "pattern.compile",
      message: `the regex filter has ${String(pattern.length)} characters, at most ${String(MAX_PATTERN_CHARS)} are allowed; use a prefix or a shorter pattern`,
    });
  }
  const program = compileProgram(translatePythonPattern(pattern));
  return { test: (text) => program.test(text) };
}

function compileProgram(translated: string): RE2JS {
  try {
    // The translation has balanced parentheses, so the group holds all of it: an alternation cannot escape the anchor.
    const program = RE2JS.compile(`^(?:${translated})`);
    if (program.programSize() <= MAX_PROGRAM_SIZE) return program;
    throw tooLarge(undefined);
  } catch (error) {
    throw isAppError(error) ? error : tooLarge(error);
  }
}

/** The one thing that RE2 refuses in a translated pattern: repeats, nested or not, that make more than it writes out. */
function tooLarge(cause: unknown): AppError {
  return new AppError({
    code: "invalid_input",
    reason: "pattern.unsupported",
    op: "pattern.compile",
    message:
      "the regex filter uses repeat counts that multiply to more than this service runs; use smaller counts, * or +",
    cause,
  });
}
