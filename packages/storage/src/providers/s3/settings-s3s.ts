import { z } from "zod";
import { checkKeyPair, optionalText, s3Shape } from "./settings.ts";

/** A path may stand before the name; Ceph leaves the account out. */
const ROLE_ARN = /^arn:aws[a-z-]*:iam::\d{0,12}:role\/[\w+=,.@/-]{1,576}$/;

/**
 * Settings of `s3s`, source and target, by their wire names (ls-api §2.3): those of `s3` and the role. The keys are normally
 * left out; where they are given, they assume the role instead of the platform's principal.
 */
export const s3sSettings = s3Shape
  .extend({
    role_arn: z
      .string({ error: "This field is required." })
      .trim()
      .regex(ROLE_ARN, {
        error: ({ input }) =>
          `"${String(input)}" is not the ARN of a role; it looks like "arn:aws:iam::123456789012:role/name".`,
      }),
    external_id: optionalText().nullish(),
    legacy_auth: z.boolean().nullish(),
  })
  .superRefine(checkKeyPair);

/** Settings after the schema has looked at them. */
export type S3sSettings = z.output<typeof s3sSettings>;
