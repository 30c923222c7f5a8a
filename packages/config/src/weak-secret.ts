/** Secrets that stand in somebody's documentation, compose file or source, in lower case; the long one is CVE-2023-43791. */
const KNOWN_DEFAULTS: readonly string[] = [
  "$(fefwefwef13;lfk{p!)@#*!)kdsjfwf2l+i5e3t(8a1n",
  "0123456789abcdef",
  "abcdefghijklmnopqrstuvwxyz",
  "changeme",
  "change-me",
  "change_me",
  "default-secret",
  "example-secret",
  "insert-your-secret",
  "keyboard cat",
  "mysecret",
  "my-secret",
  "password",
  "placeholder",
  "replace-me",
  "replace_me",
  "replaceme",
  "supersecret",
  "super-secret",
  "your-secret",
  "your_secret",
  "yoursecret",
  "your-token",
];

/** A random text of 32 hexadecimal digits has 13 distinct ones on average and hardly ever fewer than this. */
const MIN_DISTINCT = 8;

/** Why `text` can be guessed, or undefined. The answer never repeats any of it. */
export function findWeakness(text: string, minChars: number): string | undefined {
  if (text.length < minChars)
    return `is too short: it has ${String(text.length)} characters and needs ${String(minChars)}`;
  const lower = text.toLowerCase();
  if (KNOWN_DEFAULTS.some((known) => lower.includes(known)))
    return "is or contains a well-known default; make a random one, for example with: openssl rand -hex 32";
  if (new Set(text).size < MIN_DISTINCT) return "repeats too few different characters to be random";
  return undefined;
}
