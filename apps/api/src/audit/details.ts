/** Fields whose values tell what was done, and are no secrets. */
const TOLD_FIELDS: ReadonlySet<string> = new Set([
  ...["role", "user", "user_id", "scope", "expiresInDays", "project", "presign", "presign_ttl"],
  ...["storage_proxy_enabled", "presign_ttl_ceiling_minutes", "can_delete_objects", "is_published"],
  ...["api_tokens_enabled", "legacy_api_tokens_enabled"],
]);
const FIELD_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;
const MAX_FIELDS = 60;
const MAX_VALUE_CHARS = 100;

/** The names of the fields of a body, and the values of those that may be told. Everything else stays out. */
export function describeBody(body: unknown): Record<string, unknown> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return {};
  const entries = Object.entries(body).filter(([name]) => FIELD_NAME.test(name));
  const fields = entries.slice(0, MAX_FIELDS).map(([name]) => name);
  const values = entries.filter(([name, value]) => TOLD_FIELDS.has(name) && isShort(value));
  return {
    ...(fields.length === 0 ? {} : { fields }),
    ...(values.length === 0 ? {} : { values: Object.fromEntries(values) }),
  };
}

function isShort(value: unknown): boolean {
  if (typeof value === "string") return value.length <= MAX_VALUE_CHARS;
  return typeof value === "number" || typeof value === "boolean" || value === null;
}
