import { createSign, createVerify, generateKeyPairSync, type KeyObject } from "node:crypto";
import { findAwsCaller } from "./aws-caller.ts";
import { GcsFailure, OauthFailure } from "./failure.ts";
import { DEFAULT_ACCOUNT, type GcsAccount, type GcsFakeOptions } from "./options.ts";

/** Who sent a request, and what for its token is. */
export interface Caller {
  readonly principal: string;
  readonly scopes: readonly string[];
}

interface IssuedToken extends Caller {
  readonly expiresAt: number;
}

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const TOKEN_AUDIENCE = "https://oauth2.googleapis.com/token";
const PLATFORM_SCOPE = "https://www.googleapis.com/auth/cloud-platform";

/** Making a key takes a tenth of a second; accounts of several fakes in one process may share theirs. */
const KEYS: KeyPair[] = [];
function keyPair(index: number): KeyPair {
  return (KEYS[index] ??= generateKeyPairSync("rsa", { modulusLength: 2048 }));
}

/** Accounts, people and pools of the fake, and the tokens that it gave out. */
export class Accounts {
  readonly accounts: readonly GcsAccount[];
  readonly #options: GcsFakeOptions;
  readonly #tokens = new Map<string, IssuedToken>();
  #issued = 0;

  constructor(options: GcsFakeOptions) {
    this.#options = options;
    this.accounts = options.accounts ?? [DEFAULT_ACCOUNT];
  }

  get nowMs(): number {
    return (this.#options.now ?? Date.now)();
  }

  find(email: string): GcsAccount | undefined {
    return this.accounts.find((account) => account.email === email);
  }

  publicKeyOf(email: string): KeyObject | undefined {
    return this.#keyOf(email)?.publicKey;
  }

  privateKeyOf(email: string): KeyObject | undefined {
    return this.#keyOf(email)?.privateKey;
  }

  /** All tokens that were given out so far are refused from now on. */
  revokeTokens(): void {
    this.#tokens.clear();
  }

  /** Whose token a request carries. Throws 401 for none, an unknown and an expired one. */
  authenticate(authorization: string | undefined): Caller {
    const token = /^Bearer (.+)$/.exec(authorization ?? "")?.[1];
    if (token === undefined) {
      throw new GcsFailure(
        401,
        "required",
        "Anonymous caller does not have storage.objects.get access to the Google Cloud Storage object.",
      );
    }
    const issued = this.#tokens.get(token);
    const isGood = issued !== undefined && this.nowMs < issued.expiresAt;
    if (!isGood || this.find(issued.principal)?.disabled === true)
      throw new GcsFailure(401, "authError", "Invalid Credentials");
    return issued;
  }

  /** `POST /token`: an assertion signed by a key, or a person's refresh token. */
  grant(form: URLSearchParams): unknown {
    if (form.get("grant_type") === "refresh_token") {
      const user = this.#options.users?.find(
        ({ clientId, clientSecret, refreshToken }) =>
          clientId === form.get("client_id") &&
          clientSecret === form.get("client_secret") &&
          refreshToken === form.get("refresh_token"),
      );
      if (user === undefined) throw new OauthFailure(400, "invalid_grant", "Bad Request");
      return this.#toAnswer(user.email, [PLATFORM_SCOPE]);
    }
    if (form.get("grant_type") !== "urn:ietf:params:oauth:grant-type:jwt-bearer")
      throw new OauthFailure(400, "unsupported_grant_type", "Invalid grant_type");
    const { email, scope } = this.#verifyAssertion(form.get("assertion") ?? "");
    return this.#toAnswer(email, scope.split(" "));
  }

  /** `POST /v1/token` of STS: a subject token that one of the pools believes. */
  exchange(form: URLSearchParams): unknown {
    const audience = form.get("audience") ?? "";
    const pool = this.#options.pools?.find((candidate) => candidate.audience === audience);
    if (pool === undefined)
      throw new OauthFailure(400, "invalid_target", "The target service indicated is invalid.");
    if (form.get("grant_type") !== "urn:ietf:params:oauth:grant-type:token-exchange")
      throw new OauthFailure(400, "unsupported_grant_type", "Invalid grant_type");
    const subject = form.get("subject_token") ?? "";
    const kind =
      pool.oidcTokens === undefined ? "aws:token-type:aws4_request" : "oauth:token-type:jwt";
    if (form.get("subject_token_type") !== `urn:ietf:params:${kind}`)
      throw new OauthFailure(400, "invalid_request", "Invalid subject_token_type");
    const isBelieved =
      pool.oidcTokens === undefined
        ? pool.acceptsArn?.(findAwsCaller(subject, audience, this.#options.awsCallers ?? []).arn)
        : pool.oidcTokens.includes(subject);
    if (isBelieved === false)
      throw new OauthFailure(
        403,
        "unauthorized_client",
        "The given credential is rejected by the attribute condition.",
      );
    return this.#toAnswer(pool.name, (form.get("scope") ?? "").split(" "));
  }

  /** The token and the address that the metadata server gives. Throws 404 where the machine has no account. */
  machine(call: string, scopes: string | null): unknown {
    const email = this.#options.machineAccount;
    if (email === undefined) throw new GcsFailure(404, "notFound", "Not Found");
    if (call === "email") return email;
    return this.#toAnswer(email, (scopes ?? PLATFORM_SCOPE).split(","));
  }

  issue(principal: string, scopes: readonly string[], seconds = this.#tokenSeconds): string {
    this.#issued += 1;
    const token = `ya29.fake-token-${String(this.#issued)}-${Math.random().toString(36).slice(2)}`;
    this.#tokens.set(token, { principal, scopes, expiresAt: this.nowMs + seconds * 1_000 });
    return token;
  }

  /** RSASSA-PKCS1-v1_5 with SHA-256 by the account's key. */
  sign(email: string, payload: Buffer): Buffer {
    const key = this.privateKeyOf(email);
    if (key === undefined) throw new GcsFailure(404, "notFound", "Not found");
    return createSign("RSA-SHA256").update(payload).sign(key);
  }

  get #tokenSeconds(): number {
    return this.#options.tokenSeconds ?? 3_600;
  }

  #toAnswer(principal: string, scopes: readonly string[]): unknown {
    return {
      access_token: this.issue(principal, scopes),
      expires_in: this.#tokenSeconds,
      token_type: "Bearer",
    };
  }

  #keyOf(email: string): KeyPair | undefined {
    const index = this.accounts.findIndex((account) => account.email === email);
    return index === -1 ? undefined : keyPair(index);
  }

  #verifyAssertion(assertion: string): { readonly email: string; readonly scope: string } {
    const [header = "", claims = "", signature = ""] = assertion.split(".");
    const { iss, scope, aud, iat, exp } = readClaims(claims);
    const account = this.find(iss ?? "");
    const key = this.publicKeyOf(iss ?? "");
    if (account === undefined || key === undefined || account.disabled === true)
      throw new OauthFailure(400, "invalid_grant", "Invalid grant: account not found");
    const isGenuine = createVerify("RSA-SHA256")
      .update(`${header}.${claims}`)
      .verify(key, Buffer.from(signature, "base64url"));
    if (!isGenuine) throw new OauthFailure(400, "invalid_grant", "Invalid JWT Signature.");
    const now = this.nowMs / 1_000;
    const isTimely = iat !== undefined && exp !== undefined && iat <= now + 300 && exp > now;
    if (!isTimely || exp - iat > 3_600 || aud !== TOKEN_AUDIENCE || scope === undefined)
      throw new OauthFailure(
        400,
        "invalid_grant",
        "Invalid JWT: Token must be a short-lived token",
      );
    return { email: account.email, scope };
  }
}

interface Claims {
  readonly iss?: string;
  readonly scope?: string;
  readonly aud?: string;
  readonly iat?: number;
  readonly exp?: number;
}

function readClaims(part: string): Claims {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString()) as Claims;
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
