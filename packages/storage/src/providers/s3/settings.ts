import { z } from "zod";

const BUCKET_PATTERN = "^[a-zA-Z0-9.\\-_]{1,255}$";
const BUCKET_ARN_PATTERN =
  "^arn:(aws).*:(s3|s3-object-lambda):[a-z\\-0-9]*:[0-9]{12}:accesspoint[/:][a-zA-Z0-9\\-.]{1,63}$|^arn:(aws).*:s3-outposts:[a-z\\-0-9]+:[0-9]{12}:outpost[/:][a-zA-Z0-9\\-]{1,63}[/:]accesspoint[/:][a-zA-Z0-9\\-]{1,63}$";

/** The same patterns as the sentence below quotes them (ls-api §2.2). */
const BUCKET_NAME = /^[a-zA-Z0-9.\-_]{1,255}$/;
const BUCKET_ARN =
  /^arn:(aws).*:(s3|s3-object-lambda):[a-z\-0-9]*:[0-9]{12}:accesspoint[/:][a-zA-Z0-9\-.]{1,63}$|^arn:(aws).*:s3-outposts:[a-z\-0-9]+:[0-9]{12}:outpost[/:][a-zA-Z0-9-]{1,63}[/:]accesspoint[/:][a-zA-Z0-9-]{1,63}$/;

/** One label of a host name: a region becomes part of the address. */
const REGION = /^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/;

/** Longer than any of these values is at AWS; session tokens have no published limit. */
const MAX_TEXT_CHARS = 2_048;
const MAX_TOKEN_CHARS = 16_384;

/** Text that may be left out, null or blank; all three mean "not set". */
export const optionalText = (maxChars = MAX_TEXT_CHARS) => z.string().trim().max(maxChars);

/** The fields of `s3`, which `s3s` has too. */
export const s3Shape = z.object({
  bucket: optionalText()
    .refine(isBucketName, { error: ({ input }) => badBucketName(input) })
    .nullish()
    .meta({ location: true }),
  region_name: optionalText()
    .refine((text) => text === "" || REGION.test(text), {
      error: ({ input }) => `"${String(input)}" is not a region; it looks like "eu-central-1".`,
    })
    .nullish(),
  s3_endpoint: optionalText()
    .refine((text) => !/^[^/]*\/\/[^/?#]*@/.test(text), {
      error: "The endpoint must not hold a user name or a password.",
    })
    .nullish()
    .meta({ location: true, host: true }),
  aws_access_key_id: optionalText().nullish().meta({ secret: true }),
  aws_secret_access_key: optionalText().nullish().meta({ secret: true }),
  aws_session_token: optionalText(MAX_TOKEN_CHARS).nullish().meta({ secret: true, session: true }),
  aws_sse_kms_key_id: optionalText().nullish(),
  /** Beyond the contract. */
  expected_bucket_owner: z
    .string()
    .trim()
    .regex(/^(\d{12})?$/, "An AWS account has twelve digits.")
    .nullish(),
});

/**
 * Settings of `s3`, source and target, by their wire names (ls-api §2.2). Key id and secret come together or not at all, a
 * session token only with them; the sentences are the contract's.
 */
export const s3Settings = s3Shape.superRefine(checkKeyPair);

/** Settings after the schema has looked at them. */
export type S3Settings = z.output<typeof s3Settings>;

/** Key id and secret come together or not at all, a session token only with them. */
export function checkKeyPair(
  values: Pick<
    z.output<typeof s3Shape>,
    "aws_access_key_id" | "aws_secret_access_key" | "aws_session_token"
  >,
  context: z.RefinementCtx,
): void {
  const hasKeyId = isSet(values.aws_access_key_id);
  const hasSecret = isSet(values.aws_secret_access_key);
  if (hasKeyId !== hasSecret) {
    context.addIssue({
      code: "custom",
      path: [hasKeyId ? "aws_secret_access_key" : "aws_access_key_id"],
      message: "Access Key ID and Secret Access Key must be provided together.",
    });
  }
  if (isSet(values.aws_session_token) && !hasKeyId && !hasSecret) {
    context.addIssue({
      code: "custom",
      path: ["aws_session_token"],
      message: "Session Token requires an Access Key ID and Secret Access Key.",
    });
  }
}

/** The text of a field, or undefined when it is left out, null or blank. */
export function textOf(value: string | null | undefined): string | undefined {
  return isSet(value) ? value : undefined;
}

function isSet(value: string | null | undefined): value is string {
  return value !== undefined && value !== null && value !== "";
}

function isBucketName(text: string): boolean {
  return text === "" || BUCKET_NAME.test(text) || BUCKET_ARN.test(text);
}

function badBucketName(input: unknown): string {
  return `Invalid bucket name "${String(input)}": Bucket name must match the regex "${BUCKET_PATTERN}" or be an ARN matching the regex "${BUCKET_ARN_PATTERN}"`;
}
