/** What a person reads about a reason in docs/errors.md. */
export interface ReasonText {
  readonly meaning: string;
  readonly remedy: string;
}

/**
 * Where the remedy differs within one error code: dotted, the part of the system first. Retry, HTTP status and log level
 * follow the code, never the reason. docs/errors.md is made from this table.
 */
export const REASONS = {
  "db.invalid_text": {
    meaning: "a text holds U+0000 or half of a surrogate pair, which PostgreSQL cannot store",
    remedy: "mend the value",
  },
  "db.login": {
    meaning: "the database refused the login of DATABASE_URL",
    remedy: "check user, password and database name",
  },
  "db.migration_failed": {
    meaning: "a migration failed; nothing of it was kept",
    remedy: "repair the cause, then npm run db:migrate -- --retry-failed",
  },
  "db.missing_parent": {
    meaning: "a row that this one needs is not there",
    remedy: "create it first",
  },
  "db.still_referenced": {
    meaning: "other rows still refer to this one",
    remedy: "remove them first",
  },
  "db.unique": { meaning: "such a row exists already", remedy: "use it, or choose another name" },
  "egress.bad_allow_entry": {
    meaning:
      "an entry of BUCKETBRIDGE_EGRESS_ALLOW is neither address, CIDR, host name, loopback nor private",
    remedy: "correct the entry",
  },
  "egress.own_service": {
    meaning: "the address is the platform's own PostgreSQL or Redis",
    remedy: "none: no storage may use it",
  },
  "egress.private_address": {
    meaning: "the host resolves to a private or reserved address that the operator did not allow",
    remedy: "the operator adds it to BUCKETBRIDGE_EGRESS_ALLOW",
  },
  "egress.unresolvable": {
    meaning: "the host name has no address",
    remedy: "check its spelling and the DNS",
  },
  "egress.url_not_allowed": {
    meaning: "the URL is no plain http or https address",
    remedy: "give scheme, host and port only",
  },
  "events.too_many_streams": {
    meaning: "one account holds too many event streams open",
    remedy: "close one, or poll the run",
  },
  "pattern.invalid": { meaning: "the regex filter cannot be read", remedy: "correct the pattern" },
  "pattern.too_long": {
    meaning: "the regex filter is too long",
    remedy: "use a prefix or a shorter pattern",
  },
  "pattern.unsupported": {
    meaning: "the regex filter uses what has no linear-time form (look-around, back-references)",
    remedy: "write it without",
  },
  "run.no_dry_run": {
    meaning: "the run is no dry run, so it has no report",
    remedy: "start a dry run",
  },
  "secret.unreadable": {
    meaning: "the saved secrets cannot be opened with the keys of BUCKETBRIDGE_SECRET_KEYS",
    remedy: "add the key back, or enter the secrets again",
  },
} as const satisfies Readonly<Record<string, ReasonText>>;

/** One of {@link REASONS}. */
export type Reason = keyof typeof REASONS;
