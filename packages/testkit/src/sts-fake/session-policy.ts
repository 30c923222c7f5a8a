import type { S3Access, S3Permission } from "../s3-fake/options.ts";

const ACTIONS: Readonly<Record<S3Permission, string>> = {
  list: "s3:ListBucket",
  read: "s3:GetObject",
  write: "s3:PutObject",
  delete: "s3:DeleteObject",
};

interface Statement {
  readonly Effect: string;
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<
    Record<string, Readonly<Record<string, string | readonly string[]>>>
  >;
}

/** Reads a policy of a session or an identity with what AWS knows of it: wildcards, their escapes and `StringLike` on `s3:prefix`. */
export function parseSessionPolicy(text: string): (access: S3Access) => boolean {
  const { Statement: statements } = JSON.parse(text) as {
    readonly Statement: readonly Statement[];
  };
  return (access) => statements.some((statement) => permits(statement, access));
}

function permits(statement: Statement, { permission, bucket, key }: S3Access): boolean {
  const isList = permission === "list";
  const resource = `arn:aws:s3:::${bucket}${isList ? "" : `/${key}`}`;
  const prefixes = statement.Condition?.["StringLike"]?.["s3:prefix"];
  return (
    statement.Effect === "Allow" &&
    statement.Action.some((action) => isLike(action, ACTIONS[permission])) &&
    [statement.Resource].flat().some((pattern) => isLike(pattern, resource)) &&
    (!isList || prefixes === undefined || [prefixes].flat().some((prefix) => isLike(prefix, key)))
  );
}

/** `*` and `?`, which stand for themselves as `${*}` and `${?}`. */
function isLike(pattern: string, text: string): boolean {
  const parts = pattern.split(/(\$\{[*?$]\}|[*?])/).map((part) => {
    if (part === "*") return "[^]*";
    if (part === "?") return "[^]";
    return (/^\$\{([*?$])\}$/.exec(part)?.[1] ?? part).replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  });
  // eslint-disable-next-line no-restricted-syntax -- made of escaped parts, and only in tests
  return new RegExp(`^${parts.join("")}$`).test(text);
}
