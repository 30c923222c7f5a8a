const REDACTED = "[redacted]";

/** Field names whose values are never shown, wherever they stand. */
const SECRET_FIELD =
  /(secret|password|passwd|passphrase|token|authorization|credential|api[-_]?key|access[-_]?key|account[-_]?key|private[-_]?key|cookie|signature|session[-_]?key|user_delegation_key|^sas$|sas[-_]?(?:url|uri))/i;

/** Names that only look secret: counters, ids and public facts. */
const SAFE_FIELD = /^(token_type|key|keys|secret_version|aws_sse_kms_key_id|continuation_?token)$/i;

/** Values that are secret wherever they stand: signed queries, authorization headers, userinfo of URLs, key blocks. */
const SECRET_VALUES: readonly (readonly [RegExp, string])[] = [
  [
    /([?&](?:X-Amz-(?:Signature|Credential|Security-Token)|X-Goog-(?:Signature|Credential)|AWSAccessKeyId|Signature|sig|se|sv|token|access_token|code)=)[^&\s"'<>]+/gi,
    `$1${REDACTED}`,
  ],
  [/\b(Bearer|Basic|Token|AWS4-HMAC-SHA256)\s+[A-Za-z0-9+/=._~-]{8,}/g, `$1 ${REDACTED}`],
  // In lower case these are words too ("token incorrect"), so what follows must look random.
  [/\b(bearer|basic|token)\s+(?=\S*\d)[A-Za-z0-9+/=._~-]{16,}/gi, `$1 ${REDACTED}`],
  [
    /\b((?:Signature|AccountKey|SharedAccessKey|SharedAccessSignature|Password|Passphrase|sas|sig)=)[^\s;,&"'<>]+/gi,
    `$1${REDACTED}`,
  ],
  [/\b(passphrase["']?: ?["']?)[^\s,;"'<>]+/gi, `$1${REDACTED}`],
  // Up to the last @ before the path: people do not escape those of their passwords.
  [/([a-z][a-z0-9+.-]*:\/\/)[^\s/:@"']*:[^\s/"'<>]+@/gi, `$1${REDACTED}@`],
  // A token in the place of the user's name.
  [/([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'<>]+@/gi, `$1${REDACTED}@`],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, REDACTED],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?/g, REDACTED],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
];

/** Removes what looks secret from a text: signed URLs, authorization values, keys, tokens. Idempotent. */
export function redactText(text: string): string {
  return SECRET_VALUES.reduce(
    (safe, [pattern, replacement]) => safe.replace(pattern, replacement),
    text,
  );
}

/** Longest text and deepest nesting that `redact` keeps. */
const MAX_TEXT = 4_096;
const MAX_DEPTH = 8;

/**
 * A copy of `value` that may be shown or logged: fields with secret names and texts that look secret are replaced,
 * long texts cut, deep values dropped. Errors become `{ name, message, code }`.
 */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return cut(redactText(value));
  if (value === null || typeof value !== "object")
    return typeof value === "bigint" ? value.toString() : value;
  if (depth >= MAX_DEPTH) return "[deep]";
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  if (value instanceof Date) return value;
  if (value instanceof Error) {
    const code = "code" in value && typeof value.code === "string" ? value.code : undefined;
    return { name: value.name, message: cut(redactText(value.message)), code };
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      isSecretField(name) ? REDACTED : redact(item, depth + 1),
    ]),
  );
}

/** True for a field name whose value must never be shown. */
export function isSecretField(name: string): boolean {
  return SECRET_FIELD.test(name) && !SAFE_FIELD.test(name);
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}
