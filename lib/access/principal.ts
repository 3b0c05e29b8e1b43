/** Somebody who has proved who they are, by token, session or password. */
export interface Principal {
  userId: number;
  username: string;
  email: string;
  isStaff: boolean;
  isSuperuser: boolean;
  /** Identity of the access token. */
  tokenId?: string;
  /** The refresh tokens that the access token belongs to; revoked together. */
  tokenFamily?: string;
  /** The user's token generation at that moment; it grows when all tokens are revoked. */
  tokenGeneration?: number;
  /** The organization that the token was asked for: used when a request names none. */
  organizationId?: number;
  /** When the token or session ends at the latest. */
  expiresAt?: Date;
  /** Identity of the browser session. */
  sessionId?: string;
}

/** An organization as seen by one user, with the groups that the user has in it. */
export interface Membership {
  organization: { id: number; name: string; slug: string };
  groups: { id: number; name: string }[];
}
