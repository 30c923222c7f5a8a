import { Secret } from "@bucketbridge/core";
import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { findWeakness } from "../weak-secret.ts";

const KEY_BYTES = 32;
/** Random 32 bytes have about 30 distinct ones; text that was typed or repeated has fewer. */
const MIN_DISTINCT_BYTES = 16;
const MIN_TOKEN_KEY_CHARS = 32;

const secretKeys = z
  .string()
  .superRefine((text, context) => {
    for (const message of keyRingProblems(text.split(",").map((entry) => entry.trim())))
      context.addIssue({ code: "custom", message });
  })
  .transform((text) => new Secret(text));

const tokenKeys = z
  .string()
  .superRefine((text, context) => {
    for (const key of text.split(",")) {
      const weakness = findWeakness(key.trim(), MIN_TOKEN_KEY_CHARS);
      if (weakness !== undefined) context.addIssue({ code: "custom", message: weakness });
    }
  })
  .transform((text): readonly Secret[] => text.split(",").map((key) => new Secret(key.trim())));

/** Keys that the operator makes once and keeps. Api and worker do not start without them. */
export const secretsSlice = defineSlice({
  name: "secrets",
  schema: z.object({ secretKeys, tokenKeys }),
  variables: {
    secretKeys: {
      env: "BUCKETBRIDGE_SECRET_KEYS",
      defaultText: "npm start: made in the data directory",
      meaning:
        "keys that encrypt the secrets of storages, as id:base64(32 bytes), comma separated; the first encrypts, all decrypt",
      secret: true,
    },
    tokenKeys: {
      env: "BUCKETBRIDGE_TOKEN_KEY",
      defaultText: "npm start: made in the data directory",
      meaning:
        "key that signs personal access tokens, 32 characters or more; comma separated, the first signs, all verify",
      secret: true,
    },
  },
});

/** One message per problem of the entries `id:base64`; none of them repeats a key. */
function keyRingProblems(entries: readonly string[]): string[] {
  const ids = entries.map((entry) => entry.split(":", 1)[0] ?? "");
  const problems = entries.flatMap(
    (entry, index) => keyProblem(entry, `entry ${String(index + 1)}`) ?? [],
  );
  return new Set(ids).size === ids.length ? problems : [...problems, "has the same key id twice"];
}

function keyProblem(entry: string, name: string): string | undefined {
  const [, encoded] = /^[\w.-]{1,64}:(.*)$/.exec(entry) ?? [];
  if (encoded === undefined) return `${name} must look like id:base64(32 bytes)`;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return `${name} is not base64`;
  const key = Buffer.from(encoded, "base64");
  if (key.length !== KEY_BYTES)
    return `${name} has ${String(key.length)} bytes and needs ${String(KEY_BYTES)}`;
  if (new Set(key).size < MIN_DISTINCT_BYTES)
    return `${name} repeats too few different bytes to be random`;
  return undefined;
}
