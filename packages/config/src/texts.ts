import { Secret } from "@bucketbridge/core";
import { z } from "zod";
import { findWeakness } from "./weak-secret.ts";

/** A whole number in `[min, max]`, written in digits. */
export function wholeNumber(min: number, max: number): z.ZodType<number, string> {
  const message = `must be a whole number from ${String(min)} to ${String(max)}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message);
}

/** `true`, `1`, `yes`, `on` or `false`, `0`, `no`, `off`, in any case. */
export const flag: z.ZodType<boolean, string> = z.stringbool({
  truthy: ["true", "1", "yes", "on"],
  falsy: ["false", "0", "no", "off"],
  error: "must be true or false",
});

/** Words between commas, blanks taken off. */
export const list: z.ZodType<readonly string[], string> = z.string().transform((text) =>
  text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== ""),
);

/** A URL with one of these schemes, wrapped: it may hold a password. */
export function secretUrl(...schemes: readonly string[]): z.ZodType<Secret, string> {
  const message = `must be a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(" or ")}`;
  return z
    .string()
    .refine(
      (text) => schemes.includes((URL.parse(text)?.protocol ?? "").replace(/:$/, "")),
      message,
    )
    .transform((text) => new Secret(text));
}

/** A text that nobody can guess, wrapped. Known defaults, short and monotonous ones are refused. */
export function strongSecret(minChars: number): z.ZodType<Secret, string> {
  return z
    .string()
    .superRefine((text, context) => {
      const weakness = findWeakness(text, minChars);
      if (weakness !== undefined) context.addIssue({ code: "custom", message: weakness });
    })
    .transform((text) => new Secret(text));
}
