import { createHmac, timingSafeEqual } from "node:crypto";
import { readToken } from "../entra-fake/tokens.ts";
import { AzureFailure, failures } from "./failure.ts";
import type { AzureAccount, AzureIdentity, AzurePermission } from "./options.ts";
import type { AzureRequest } from "./request.ts";

/** Who is known. */
export interface KnownIdentities {
  readonly accounts: readonly AzureAccount[];
  readonly identities: readonly AzureIdentity[];
  readonly nowMs: number;
}

/** Whose signature it is and what it allows. */
export interface Authorized {
  readonly allow: readonly AzurePermission[];
  /** Of a token; it goes into user delegation keys. */
  readonly clientId?: string;
}

const EVERYTHING: readonly AzurePermission[] = ["list", "read", "write", "delete", "delegate"];
const MAX_SKEW_MS = 15 * 60_000;

/** Checks a shared key, a signed URL or a token. Throws what Azure would answer. */
export function authorize(request: AzureRequest, known: KnownIdentities): Authorized {
  const account = known.accounts.find(({ name }) => name === request.account);
  if (account === undefined) throw new AzureFailure(404, "ResourceNotFound");
  if (request.query.has("sig")) return checkSas(request, account, known);
  const [scheme = "", value = ""] = (request.message.headers.authorization ?? "").split(" ");
  if (scheme === "Bearer") return checkToken(value, known);
  if (scheme === "SharedKey") return checkSharedKey(request, account, { value, known });
  throw new AzureFailure(401, "NoAuthenticationInformation", {
    message: "Server failed to authenticate the request.",
    headers: { "www-authenticate": "Bearer" },
  });
}

function checkToken(token: string, { identities, nowMs }: KnownIdentities): Authorized {
  const claims = readToken(token);
  const isGood =
    claims?.audience === "https://storage.azure.com" && claims.expiresAt * 1_000 > nowMs;
  if (claims === undefined || !isGood) {
    throw new AzureFailure(401, "InvalidAuthenticationInfo", {
      message: "Server failed to authenticate the request. The access token has expired.",
    });
  }
  const { clientId } = claims;
  const identity = identities.find((known) => known.clientId === clientId);
  return { allow: identity?.allow ?? [], clientId };
}

function checkSharedKey(
  request: AzureRequest,
  account: AzureAccount,
  { value, known }: { readonly value: string; readonly known: KnownIdentities },
): Authorized {
  if (account.allowsKeys === false) {
    throw new AzureFailure(403, "KeyBasedAuthenticationNotPermitted", {
      message: "Key based authentication is not permitted on this storage account.",
    });
  }
  const { headers } = request.message;
  const sentMs = Date.parse(String(headers["x-ms-date"] ?? headers.date ?? ""));
  if (!(Math.abs(known.nowMs - sentMs) <= MAX_SKEW_MS)) {
    throw failures.authentication("Request date header too old.");
  }
  const expected = hmac(account.key, sharedKeyText(request));
  if (!equal(value, `${account.name}:${expected}`)) throw failures.authentication();
  return { allow: EVERYTHING };
}

const SIGNED_HEADERS = [
  "content-encoding",
  "content-language",
  "content-length",
  "content-md5",
  "content-type",
  "date",
  "if-modified-since",
  "if-match",
  "if-none-match",
  "if-unmodified-since",
  "range",
];

/** https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key */
function sharedKeyText({ message, path, query, account }: AzureRequest): string {
  const { headers } = message;
  const plain = SIGNED_HEADERS.map((name) => {
    const value = String(headers[name] ?? "");
    if (name === "content-length") return value === "0" ? "" : value;
    return name === "date" && headers["x-ms-date"] !== undefined ? "" : value;
  });
  const own = Object.keys(headers)
    .filter((name) => name.startsWith("x-ms-"))
    .sort()
    .map((name) => `${name}:${String(headers[name])}\n`);
  const parameters = [...query]
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `\n${name}:${value}`);
  return `${message.method ?? ""}\n${plain.join("\n")}\n${own.join("")}/${account}${path}${parameters.join("")}`;
}

/** https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas, and create-service-sas */
function checkSas(
  request: AzureRequest,
  account: AzureAccount,
  { nowMs, identities }: KnownIdentities,
): Authorized {
  const { query } = request;
  const of = (name: string): string => query.get(name) ?? "";
  const isDelegated = query.has("skoid");
  const blob = `/blob/${account.name}/${request.container}/${request.blob}`;
  const overrides = ["rscc", "rscd", "rsce", "rscl", "rsct"].map(of);
  const head = [of("sp"), of("st"), of("se"), blob];
  const tail = [of("sip"), of("spr"), of("sv"), of("sr"), "", of("ses"), ...overrides];
  const text = isDelegated
    ? [
        ...head,
        ...["skoid", "sktid", "skt", "ske", "sks", "skv", "saoid", "suoid", "scid"].map(of),
        ...["skdutid", "sduoid"].map(of),
        ...tail,
      ]
    : [...head, of("si"), ...tail];
  const key = isDelegated
    ? delegationKey(account, { oid: of("skoid"), start: of("skt"), expiry: of("ske") })
    : account.key;
  if (!equal(of("sig"), hmac(key, text.join("\n")))) {
    throw failures.authentication("Signature did not match.");
  }
  const ends = [of("se"), ...(isDelegated ? [of("ske")] : [])].map((time) => Date.parse(time));
  if (!ends.every((end) => end > nowMs))
    throw failures.authentication("Signature not valid in the specified time frame.");
  if (of("sp") !== "r") throw failures.permission();
  const owner = identities.find(({ clientId }) => clientId === of("skoid"));
  return {
    allow: isDelegated ? (owner?.allow ?? []).filter((right) => right === "read") : ["read"],
  };
}

/** What makes a user delegation key. */
export interface DelegationKeyOf {
  readonly oid: string;
  readonly start: string;
  readonly expiry: string;
}

/** The value of a user delegation key, made of what a signed URL says about it: so the fake remembers none. */
export function delegationKey(
  account: AzureAccount,
  { oid, start, expiry }: DelegationKeyOf,
): string {
  return hmac(account.key, `delegation\n${oid}\n${start}\n${expiry}`);
}

function hmac(base64Key: string, text: string): string {
  return createHmac("sha256", Buffer.from(base64Key, "base64")).update(text).digest("base64");
}

function equal(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
