import { createHash, randomBytes } from "node:crypto";
import type { Clock, Secret } from "@bucketbridge/core";
import type { RefreshClaims } from "@bucketbridge/db";
import { errors, jwtVerify, SignJWT } from "jose";
import { z } from "zod";

/** 200 years, as the contract has it: a personal token ends when it is revoked. */
const REFRESH_SECONDS = 200 * 365 * 86_400;
/** The SDK fetches a new one when this has passed. */
const ACCESS_SECONDS = 300;

/** The link that makes the first owner. */
const SETUP_SECONDS = 3_600;

/** No user has this id. */
const NOBODY = 0;

const HEADER = { alg: "HS256", typ: "JWT" } as const;

const claimsSchema = z.object({
  token_type: z.enum(["refresh", "access", "setup"]),
  exp: z.int(),
  iat: z.int(),
  jti: z.string().min(1),
  user_id: z.string().regex(/^\d{1,10}$/),
});

/** A token that was signed by us and has not expired. */
export type VerifiedClaims = z.output<typeof claimsSchema>;

/** Makes and checks the signed tokens: HS256, the first key signs, every key verifies. */
export class TokenSigner {
  readonly #keys: readonly Uint8Array[];
  readonly #clock: Clock;

  constructor(keys: readonly Secret[], clock: Clock) {
    this.#keys = keys.map((key) => new TextEncoder().encode(key.reveal()));
    this.#clock = clock;
  }

  async signRefresh(userId: number): Promise<{ token: string; claims: RefreshClaims }> {
    const claims = this.#claims("refresh", userId, REFRESH_SECONDS);
    return { token: await this.#sign(claims), claims };
  }

  async signAccess(userId: number): Promise<string> {
    return this.#sign(this.#claims("access", userId, ACCESS_SECONDS));
  }

  /** Opens the making of the first owner, while there is none: any process of the installation takes it. */
  async signSetup(): Promise<string> {
    return this.#sign(this.#claims("setup", NOBODY, SETUP_SECONDS));
  }

  /** Undefined for anything that is not a valid token of ours; of which type is the caller's question. */
  async verify(token: string): Promise<VerifiedClaims | undefined> {
    for (const key of this.#keys) {
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: ["HS256"],
          currentDate: new Date(this.#clock.now()),
        });
        return claimsSchema.safeParse(payload).data;
      } catch (error) {
        if (!(error instanceof errors.JOSEError)) throw error;
      }
    }
    return undefined;
  }

  #claims(
    tokenType: "refresh" | "access" | "setup",
    userId: number,
    seconds: number,
  ): RefreshClaims {
    const iat = Math.floor(this.#clock.now() / 1_000);
    return {
      token_type: tokenType,
      exp: iat + seconds,
      iat,
      jti: randomBytes(16).toString("hex"),
      user_id: String(userId),
    };
  }

  async #sign(claims: RefreshClaims): Promise<string> {
    const key = this.#keys[0];
    if (key === undefined) throw new errors.JOSEError("no token key is configured");
    return new SignJWT({ ...claims }).setProtectedHeader(HEADER).sign(key);
  }
}

/** Header and payload of a personal token, without the signature: it says which token it is and opens nothing. */
export function unsignedToken(claims: RefreshClaims): string {
  const { token_type, exp, iat, jti, user_id } = claims;
  return [HEADER, { token_type, exp, iat, jti, user_id }]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
}

/** What is stored of an opaque token or of a jti. Tokens are random, so a plain hash hides them. */
export function hashToken(token: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha256").update(token, "utf8").digest());
}

/** A new legacy token: 40 hexadecimal digits, as the contract's. */
export function makeLegacyToken(): string {
  return randomBytes(20).toString("hex");
}

/** A new service token. Its beginning tells people and secret scanners whose it is. */
export function makeServiceToken(): string {
  return `bb_${randomBytes(32).toString("base64url")}`;
}

/** The first characters of a token, to tell tokens apart; few enough to give nothing away. */
export function tokenPrefix(token: string): string {
  return token.slice(0, 6);
}
