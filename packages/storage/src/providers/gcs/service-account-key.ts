import { createPrivateKey, createSign, type KeyObject } from "node:crypto";
import { AppError, Secret } from "@bucketbridge/core";
import type { Egress } from "../../egress/egress.ts";
import { malformedAnswer, parseObject, requestJson } from "./google-request.ts";
import type { GoogleIdentity, UrlSigner } from "./identity.ts";
import { TokenCache, type AccessToken } from "../token-cache.ts";

/** A JSON of Google's, read and found usable. Nothing of it names a host that is called. */
export type GoogleKey =
  | { readonly kind: "service_account"; readonly email: string; readonly privateKey: KeyObject }
  | {
      readonly kind: "authorized_user";
      readonly clientId: string;
      readonly clientSecret: Secret;
      readonly refreshToken: Secret;
    };

/** Where and for what the tokens of a key are got. */
export interface KeyAccess {
  readonly egress: Egress;
  readonly tokenUrl: string;
  readonly scope: string;
}

/** The service's own limit of a signature's life. */
const MAX_TTL_SECONDS = 604_800;
/** The longest that Google gives. */
const TOKEN_SECONDS = 3_600;

/** What every assertion is made out to, whichever way leads there. */
const TOKEN_AUDIENCE = "https://oauth2.googleapis.com/token";

/**
 * Reads a key as users paste it. Throws `invalid_config` with the contract's sentences (ls-api §7.6). Only the two types that
 * hold nothing but secrets are taken: an `external_account` names files, URLs and programs that this server would read, and a
 * `token_uri` elsewhere than at Google would receive a signed assertion.
 */
export function parseGoogleKey(text: string): GoogleKey {
  const json = parseObject(text);
  if (json === undefined)
    throw refused(`Google Application Credentials must be valid JSON string. ${findFault(text)}`);
  const type = json["type"] ?? "service_account";
  if (type === "authorized_user") return readUser(json);
  if (type === "service_account") return readServiceAccount(json);
  throw refused(
    type === "external_account"
      ? "Google Application Credentials of type external_account are not accepted: they make the server read files and addresses of the user's choice. Use the storage type gcswif for workload identity federation."
      : "Google Application Credentials must be of type service_account or authorized_user.",
  );
}

/** The identity that a key stands for. */
export function keyIdentity(key: GoogleKey, access: KeyAccess): GoogleIdentity {
  const cache = new TokenCache((signal) =>
    fetchToken(key.kind === "service_account" ? toJwtForm(key, access.scope) : toRefreshForm(key), {
      ...access,
      signal,
    }),
  );
  return {
    token: (signal, used) => cache.get(signal, used),
    signer: () => Promise.resolve(keySigner(key)),
  };
}

function keySigner(key: GoogleKey): UrlSigner {
  if (key.kind !== "service_account") throw cannotSign();
  return {
    email: key.email,
    maxTtlSeconds: MAX_TTL_SECONDS,
    sign: (text) => Promise.resolve(signSha256(key.privateKey, text)),
  };
}

/** A user's identity has no signature. */
function cannotSign(): AppError {
  return new AppError({
    code: "unsupported",
    reason: "gcs.cannot_sign",
    message:
      "a person's credentials cannot sign URLs; use a service account, or turn pre-signed URLs off",
  });
}

async function fetchToken(
  form: Readonly<Record<string, string>>,
  { egress, tokenUrl, signal }: KeyAccess & { readonly signal: AbortSignal },
): Promise<AccessToken> {
  const answer = await requestJson(egress, {
    service: "token",
    method: "POST",
    url: tokenUrl,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(form).toString(),
    signal,
  });
  return toAccessToken(answer);
}

/** The token of an OAuth answer. Throws `unavailable` where it holds none. */
export function toAccessToken(answer: Readonly<Record<string, unknown>>): AccessToken {
  const { access_token: token, expires_in: seconds } = answer;
  if (typeof token !== "string" || token === "") throw malformedAnswer("it holds no access token");
  return { token, expiresAt: Date.now() + (typeof seconds === "number" ? seconds : 300) * 1_000 };
}

function toJwtForm(
  { email, privateKey }: Extract<GoogleKey, { kind: "service_account" }>,
  scope: string,
): Readonly<Record<string, string>> {
  const now = Math.floor(Date.now() / 1_000);
  const claims = { iss: email, scope, aud: TOKEN_AUDIENCE, iat: now, exp: now + TOKEN_SECONDS };
  const unsigned = `${toBase64Url({ alg: "RS256", typ: "JWT" })}.${toBase64Url(claims)}`;
  const signature = signSha256(privateKey, unsigned).toString("base64url");
  return {
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    assertion: `${unsigned}.${signature}`,
  };
}

function toRefreshForm(
  key: Extract<GoogleKey, { kind: "authorized_user" }>,
): Readonly<Record<string, string>> {
  return {
    grant_type: "refresh_token",
    client_id: key.clientId,
    client_secret: key.clientSecret.reveal(),
    refresh_token: key.refreshToken.reveal(),
  };
}

function readServiceAccount(json: Readonly<Record<string, unknown>>): GoogleKey {
  const texts = readFields(json, ["token_uri", "client_email", "private_key"]);
  const { token_uri: tokenUri = "", client_email: email = "", private_key: pem = "" } = texts;
  if (!isGoogleUrl(tokenUri))
    throw refused("The token_uri of Google Application Credentials must be an address of Google.");
  return { kind: "service_account", email, privateKey: readPrivateKey(pem) };
}

function readUser(json: Readonly<Record<string, unknown>>): GoogleKey {
  const texts = readFields(json, ["client_id", "client_secret", "refresh_token"]);
  return {
    kind: "authorized_user",
    clientId: texts["client_id"] ?? "",
    clientSecret: new Secret(texts["client_secret"] ?? ""),
    refreshToken: new Secret(texts["refresh_token"] ?? ""),
  };
}

function readFields(
  json: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Readonly<Record<string, string>> {
  const missing = names.filter((name) => typeof json[name] !== "string" || json[name] === "");
  if (missing.length === 0) return json as Record<string, string>;
  throw refused(
    `Service account info was not in the expected format, missing fields ${missing.join(", ")}.`,
  );
}

function readPrivateKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "rsa") return key;
  } catch (cause) {
    // The cause is kept for the log; OpenSSL's text holds nothing of the key.
    throw refused("The private_key of Google Application Credentials is no PEM key.", cause);
  }
  throw refused("The private_key of Google Application Credentials is no RSA key.");
}

function isGoogleUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url?.protocol !== "https:" || url.port !== "") return false;
  return url.hostname === "accounts.google.com" || url.hostname.endsWith(".googleapis.com");
}

/** As Python words it, and without the text around the fault, which is part of a secret. */
function findFault(text: string): string {
  let at = 0;
  try {
    JSON.parse(text);
  } catch (error) {
    at = Number(/position (\d+)/.exec(error instanceof Error ? error.message : "")?.[1] ?? 0);
  }
  const before = text.slice(0, at).split("\n");
  const column = (before.at(-1) ?? "").length + 1;
  return `Expecting value: line ${String(before.length)} column ${String(column)} (char ${String(at)})`;
}

function refused(message: string, cause?: unknown): AppError {
  return new AppError({
    code: "invalid_config",
    reason: "gcs.invalid_credentials",
    message,
    cause,
  });
}

function signSha256(key: KeyObject, text: string): Buffer {
  return createSign("RSA-SHA256").update(text).sign(key);
}

function toBase64Url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
