/** Who is behind a socket, as the route authenticated it. */
export interface CollabIdentity {
  userId: number;
  username: string;
  email: string;
  avatarUrl: string | null;
  /** May claim the edit lock. */
  canEdit: boolean;
  /** May take the edit lock from somebody else. */
  canForce: boolean;
  sessionId?: string;
  /** The record by which somebody who is not staff was let in: the socket closes when it is out of reach. */
  record?: { model: string; key: string[] };
}

/** A fresh identity with the rights of now, or why the socket must be closed. */
export type Standing = CollabIdentity | "signed_out" | "forbidden";
