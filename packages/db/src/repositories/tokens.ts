import type { Member } from "./users.ts";

/** A token that is not revoked, and the member whose it is. */
export interface TokenHolder {
  readonly tokenId: number;
  readonly member: Member;
}

/** What a personal token was signed with; shown again without the signature. */
export interface RefreshClaims {
  readonly token_type: string;
  readonly exp: number;
  readonly iat: number;
  readonly jti: string;
  readonly user_id: string;
}

/** A personal token to be stored. `tokenHash` is the SHA-256 of its jti. */
export interface NewRefreshToken {
  readonly organizationId: number;
  readonly userId: number;
  readonly tokenHash: Uint8Array;
  readonly prefix: string;
  readonly claims: RefreshClaims;
  readonly expiresAt: Date;
}

/** How a personal token stands: `undefined` where it was never issued. */
export interface RefreshState {
  readonly tokenId: number;
  readonly revoked: boolean;
  readonly organizationId: number;
  readonly userId: number;
}

/** Tokens. They are looked up before anybody is known, hence across organisations, and only by their hash. */
export interface TokenRepository {
  /** The holder of a legacy token that is neither revoked nor expired. Its last use is noted once a minute at most. */
  findLegacyHolder(tokenHash: Uint8Array): Promise<TokenHolder | undefined>;
  /** Revokes the member's legacy tokens and stores the new one. */
  replaceLegacy(
    holder: { readonly organizationId: number; readonly userId: number },
    token: { readonly tokenHash: Uint8Array; readonly prefix: string },
  ): Promise<void>;
  /** False when the member already has a personal token that is valid; one caller of several wins. */
  createRefresh(token: NewRefreshToken): Promise<boolean>;
  listRefresh(organizationId: number, userId: number): Promise<readonly RefreshClaims[]>;
  findRefresh(tokenHash: Uint8Array): Promise<RefreshState | undefined>;
  /** Notes a use, once a minute at most. */
  touch(tokenId: number): Promise<void>;
  /** True when it was valid until now. */
  revokeRefresh(tokenHash: Uint8Array): Promise<boolean>;
  /** Revokes `oldHash` and stores `token` in one transaction; false when the old one was not valid. */
  rotateRefresh(oldHash: Uint8Array, token: NewRefreshToken): Promise<boolean>;
}
