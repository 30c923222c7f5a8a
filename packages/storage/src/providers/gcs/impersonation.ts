import type { Egress } from "../../egress/egress.ts";
import { malformedAnswer, requestJson } from "./google-request.ts";
import type { GoogleIdentity, UrlSigner } from "./identity.ts";
import { TokenCache, type AccessToken } from "../token-cache.ts";

/** How an identity acts as a service account. */
export interface Impersonation {
  readonly source: Pick<GoogleIdentity, "token">;
  /** The account to act as. */
  readonly email: string;
  readonly scopes: readonly string[];
  readonly egress: Egress;
  readonly iamUrl: string;
  /** Whose token signs: the source's, or the account's own (it then needs the role on itself). */
  readonly signAs: "source" | "target";
}

/** What IAM gives without an exception of the organisation's policy. */
const LIFE_SECONDS = 3_600;

/** A signature by a key that Google keeps is good for twelve hours only. */
const MAX_REMOTE_TTL_SECONDS = 12 * 3_600;

/** The service account that `source` may act as: tokens by generateAccessToken, signatures by signBlob. */
export function impersonate(impersonation: Impersonation): GoogleIdentity {
  const { source, email, egress, iamUrl, signAs } = impersonation;
  const cache = new TokenCache((signal) => generateToken(impersonation, signal));
  const target: Pick<GoogleIdentity, "token"> = {
    token: (signal, refused) => cache.get(signal, refused),
  };
  const by = signAs === "source" ? source : target;
  const signer = remoteSigner({ by, email, egress, iamUrl });
  return { ...target, signer: () => Promise.resolve(signer) };
}

/** Signs by IAM, with a token that may do so for the account. */
export function remoteSigner({
  by,
  email,
  egress,
  iamUrl,
}: {
  readonly by: Pick<GoogleIdentity, "token">;
  readonly email: string;
  readonly egress: Egress;
  readonly iamUrl: string;
}): UrlSigner {
  return {
    email,
    maxTtlSeconds: MAX_REMOTE_TTL_SECONDS,
    sign: async (text, signal) => {
      const payload = Buffer.from(text).toString("base64");
      const answer = await requestJson(egress, {
        service: "iam",
        method: "POST",
        url: toAccountUrl(iamUrl, email, "signBlob"),
        headers: toHeaders(await by.token(signal)),
        body: JSON.stringify({ payload }),
        signal,
      });
      const { signedBlob } = answer;
      if (typeof signedBlob !== "string") throw malformedAnswer("it holds no signature");
      return Buffer.from(signedBlob, "base64");
    },
  };
}

async function generateToken(
  { source, email, scopes, egress, iamUrl }: Impersonation,
  signal: AbortSignal,
): Promise<AccessToken> {
  const answer = await requestJson(egress, {
    service: "iam",
    method: "POST",
    url: toAccountUrl(iamUrl, email, "generateAccessToken"),
    headers: toHeaders(await source.token(signal)),
    body: JSON.stringify({ scope: scopes, lifetime: `${String(LIFE_SECONDS)}s` }),
    signal,
  });
  const { accessToken, expireTime } = answer;
  if (typeof accessToken !== "string" || typeof expireTime !== "string")
    throw malformedAnswer("it holds no access token");
  return { token: accessToken, expiresAt: Date.parse(expireTime) };
}

function toAccountUrl(iamUrl: string, email: string, call: string): string {
  return `${iamUrl}/v1/projects/-/serviceAccounts/${encodeURIComponent(email)}:${call}`;
}

function toHeaders(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}`, "content-type": "application/json" };
}
