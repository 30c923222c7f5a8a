/** Who acts at Google: the tokens of one identity, and its signatures. */
export interface GoogleIdentity {
  /** A bearer token that is good for some minutes. `refused`: one that a service did not take any more. */
  token(signal: AbortSignal, refused?: string): Promise<string>;
  /** Who signs URLs. Throws `unsupported` with `gcs.cannot_sign` where the identity has no signature. */
  signer(signal: AbortSignal): Promise<UrlSigner>;
}

/** Signs as a service account. */
export interface UrlSigner {
  readonly email: string;
  /** Longest life of what it signs. */
  readonly maxTtlSeconds: number;
  /** RSASSA-PKCS1-v1_5 with SHA-256. */
  sign(text: string, signal: AbortSignal): Promise<Buffer>;
}

/** What tokens may be used for. */
export const SCOPES = {
  read: "https://www.googleapis.com/auth/devstorage.read_only",
  write: "https://www.googleapis.com/auth/devstorage.read_write",
  iam: "https://www.googleapis.com/auth/iam",
  cloud: "https://www.googleapis.com/auth/cloud-platform",
} as const;
