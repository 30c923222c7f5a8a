import type { StorageDirection } from "../provider-deps.ts";

/** What a session may do. */
export interface SessionScope {
  /** Name, or the ARN of an access point. */
  readonly bucket: string;
  /** A folder with its final slash, or empty. */
  readonly prefix: string;
  readonly direction: StorageDirection;
  /** `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string;
  /** Ceph takes no policy that names the key service. */
  readonly isAws: boolean;
}

/** STS takes no longer session policy. */
const MAX_POLICY_CHARS = 2_048;

/** Which keys, the role says; encrypted objects are unreadable without. */
const USE_KEYS = {
  Effect: "Allow",
  Action: ["kms:Decrypt", "kms:GenerateDataKey"],
  Resource: "*",
};

const ACTIONS: Readonly<Record<StorageDirection, readonly string[]>> = {
  source: ["s3:GetObject", "s3:GetObjectVersion"],
  target: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
};

/**
 * The policy of a session of one storage: listing its prefix, and reading (source) or also writing and deleting (target)
 * below it. It can only take away from what the role allows. A prefix that makes it too long for STS is left out.
 */
export function toSessionPolicy(scope: SessionScope): string {
  const policy = render(scope);
  return policy.length <= MAX_POLICY_CHARS ? policy : render({ ...scope, prefix: "" });
}

function render({ bucket, prefix, direction, partition, isAws }: SessionScope): string {
  const isArn = bucket.startsWith("arn:");
  const resource = isArn ? bucket : `arn:${partition}:s3:::${bucket}`;
  const below = `${escapePattern(prefix)}*`;
  // The contract's check of a connection asks for the prefix as the user wrote it.
  const folder = escapePattern(prefix.replace(/\/$/, ""));
  const list = { Effect: "Allow", Action: ["s3:ListBucket"], Resource: resource };
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      prefix === ""
        ? list
        : { ...list, Condition: { StringLike: { "s3:prefix": [below, folder] } } },
      {
        Effect: "Allow",
        Action: ACTIONS[direction],
        Resource: `${resource}/${isArn ? "object/" : ""}${below}`,
      },
      ...(isAws ? [USE_KEYS] : []),
    ],
  });
}

/** Wildcards and the sign of a variable stand for themselves this way. */
export function escapePattern(text: string): string {
  return text.replace(/[*?$]/g, (char) => `\${${char}}`);
}
