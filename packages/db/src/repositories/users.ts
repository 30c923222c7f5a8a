/** A person as one organisation sees them, with what that organisation allows. */
export interface Member {
  readonly userId: number;
  readonly organizationId: number;
  readonly organizationTitle: string;
  readonly role: "owner" | "admin" | "manager" | "reviewer" | "annotator";
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly createdAt: Date;
  readonly lastActivityAt: Date;
  readonly apiTokensEnabled: boolean;
  readonly legacyApiTokensEnabled: boolean;
}

/** Which tokens an organisation takes; absent fields stay as they are. */
export interface TokenSettings {
  readonly apiTokensEnabled?: boolean | undefined;
  readonly legacyApiTokensEnabled?: boolean | undefined;
}

/** People and what they may do. */
export interface UserRepository {
  /** The member that a user id stands for: in the organisation that is active for the user. */
  findActiveMember(userId: number): Promise<Member | undefined>;
  findMember(organizationId: number, userId: number): Promise<Member | undefined>;
  /** The members among `userIds`; others are left out. */
  listMembers(organizationId: number, userIds: readonly number[]): Promise<readonly Member[]>;
  /** The oldest owner of the organisation. */
  findOwner(organizationId: number): Promise<Member | undefined>;
  updateTokenSettings(organizationId: number, settings: TokenSettings): Promise<void>;
  /**
   * Makes the first organisation with its owner and the owner's legacy token, or finds them: a second call with the
   * same e-mail changes nothing but adds a token that is not there yet. `tokenHash` is the SHA-256 of the token.
   */
  ensureOwner(owner: OwnerSeed): Promise<Member>;
}

/** The first owner, as the configuration names it. */
export interface OwnerSeed {
  readonly email: string;
  readonly organizationTitle: string;
  readonly tokenHash: Uint8Array;
  /** First characters of the token, to tell tokens apart. */
  readonly tokenPrefix: string;
}
