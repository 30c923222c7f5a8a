/** What a token of the fake says about its bearer. */
export interface TokenClaims {
  readonly tenantId: string;
  readonly clientId: string;
  /** Whom the token is for. */
  readonly audience: string;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
}

/** Enough of a JWT for Azurite, which looks at claims and never at the signature. */
export function makeToken({ tenantId, clientId, audience, expiresAt }: TokenClaims): string {
  const now = Math.floor(Date.now() / 1_000);
  const parts = [
    { typ: "JWT", alg: "RS256", kid: "fake" },
    {
      aud: audience,
      // The one form of issuer that Azurite takes.
      iss: `https://sts.windows.net/${tenantId}/`,
      iat: now - 5,
      nbf: now - 5,
      exp: expiresAt,
      appid: clientId,
      oid: clientId,
      sub: clientId,
      tid: tenantId,
      ver: "1.0",
    },
  ];
  const [header = "", payload = ""] = parts.map((part) =>
    Buffer.from(JSON.stringify(part)).toString("base64url"),
  );
  return `${header}.${payload}.${Buffer.from("fake signature").toString("base64url")}`;
}

/** The claims of such a token; undefined for any other text. */
export function readToken(token: string): TokenClaims | undefined {
  const [, payload = "", signature] = token.split(".");
  if (signature === undefined) return undefined;
  try {
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<
      string,
      unknown
    >;
    const { aud, exp, appid, tid } = claims;
    return {
      audience: String(aud),
      expiresAt: Number(exp),
      clientId: String(appid),
      tenantId: String(tid),
    };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
