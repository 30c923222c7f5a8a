import { z } from "zod";
import type { StorageDirection } from "../provider-deps.ts";

/** The contract's sentence (ls-api §2.6): database 0 is what everything else on a server uses. */
const NO_DB_ZERO =
  "Please explicitly pass a redis db id to prevent accidentally overwriting existing database!";

const MAX_DB = 32_767;
const MAX_TEXT_CHARS = 1_024;
/** A bundle of some twenty certificates. */
const MAX_CA_CHARS = 65_536;

/** As Redis clients have them. */
const DEFAULT_HOST = "localhost";
const DEFAULT_PORT = 6_379;

/** The contract's databases for storages that name none. */
export const DEFAULT_DB: Readonly<Record<StorageDirection, number>> = { source: 1, target: 2 };

const optionalText = (maxChars = MAX_TEXT_CHARS) => z.string().max(maxChars);

/**
 * Provider fields of Redis, by their wire names. `username`, `tls` and `tls_ca` are ours; the contract speaks to servers without
 * users and TLS only. Whatever decides who hears the password demands it again when it changes.
 */
export const redisSettings = z.object({
  host: optionalText()
    .trim()
    .refine((text) => text === "" || HOST.test(text), {
      error: ({ input }) =>
        `"${String(input)}" is not a host; give a name or an address without scheme, port and path.`,
    })
    .nullish()
    .meta({ location: true, host: true }),
  port: optionalText()
    .trim()
    .refine((text) => text === "" || isPort(text), {
      error: ({ input }) => `"${String(input)}" is not a port; it is a number up to 65535.`,
    })
    .nullish()
    .meta({ location: true, host: true }),
  db: z
    .int("A valid integer is required.")
    .min(0, "Ensure this value is greater than or equal to 0.")
    .max(MAX_DB, `Ensure this value is less than or equal to ${String(MAX_DB)}.`)
    .refine((db) => db !== 0, NO_DB_ZERO)
    .nullish()
    .meta({ location: true }),
  path: optionalText()
    .refine((text) => !text.includes("\u0000"), "a path must not hold U+0000")
    .nullish()
    .meta({ location: true }),
  username: optionalText().trim().nullish(),
  password: optionalText().nullish().meta({ secret: true }),
  tls: z.boolean().nullish().meta({ host: true }),
  tls_ca: optionalText(MAX_CA_CHARS)
    .trim()
    .refine((text) => text === "" || text.includes("-----BEGIN CERTIFICATE-----"), {
      error: "Give the certificate of the authority in PEM form.",
    })
    .nullish()
    .meta({ host: true }),
});

/** Checked settings. */
export type RedisSettings = z.output<typeof redisSettings>;

/** Where a storage's values are. */
export interface RedisPlace {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly tls: { readonly ca: string | undefined } | undefined;
}

/** A name, or an address, IPv6 ones with or without brackets. What it means is the egress's business. */
const HOST = /^[^\s/@?#\\]+$/;

/** The place that the settings name, with the defaults where they are silent. */
export function toPlace(settings: RedisSettings, direction: StorageDirection): RedisPlace {
  return {
    host: textOf(settings.host) ?? DEFAULT_HOST,
    port: Number(textOf(settings.port) ?? DEFAULT_PORT),
    db: settings.db ?? DEFAULT_DB[direction],
    tls: settings.tls === true ? { ca: textOf(settings.tls_ca) } : undefined,
  };
}

/**
 * What stands before every key. A source takes the path as it is, as the contract does (`t:` takes all keys that begin
 * with `t:`). A target treats it as a folder, unless it ends in `:` already: `out` gives `out/42`, `out:` gives `out:42`.
 */
export function keyPrefix(settings: RedisSettings, direction: StorageDirection): string {
  const path = settings.path ?? "";
  if (direction === "source" || path === "" || /[/:]$/.test(path)) return path;
  return `${path}/`;
}

/** The text of a field, or undefined when it is left out, null or blank. */
export function textOf(value: string | null | undefined): string | undefined {
  return value === undefined || value === null || value === "" ? undefined : value;
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}
