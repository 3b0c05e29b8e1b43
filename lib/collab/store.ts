/** One WebSocket in a room. A person with two tabs is two members. */
export interface Member {
  /** Unique for ever. */
  connection: string;
  /** The server process that has the socket. */
  process: string;
  userId: number;
  username: string;
  email: string;
  avatarUrl: string | null;
  /** ISO 8601. */
  joinedAt: string;
  idle: boolean;
  /** The field that the member is in. */
  field: string | null;
}

/**
 * - `pending`: given, not yet confirmed by the holder's process.
 * - `held`: confirmed; the holder renews it.
 * - `away`: the holder's socket closed; kept for the same user until the grace ends.
 * - `settling`: released while the holder's form is being submitted.
 */
export type LockMode = "pending" | "held" | "away" | "settling";

/** A lock that is in force. */
export interface Lock {
  connection: string;
  process: string;
  userId: number;
  /** The holder's e-mail address, or user name without one. */
  name: string;
  token: number;
  mode: LockMode;
  /** The holder cannot act: its socket closed or its process died. The same user may reclaim. */
  away: boolean;
  /** Milliseconds until it lapses unless renewed. */
  remaining: number;
}

/** Lock and queue of a room at one moment. */
export interface RoomState {
  lock: Lock | null;
  /** Connections that wait, first come first, without those of crashed processes. */
  queue: string[];
}

export type ClaimResult =
  | { granted: true; token: number; renewed: boolean }
  | { granted: false; state: RoomState };

export interface JoinResult {
  /** Everybody present, the newcomer included. */
  members: Member[];
  /** Whether the user had no other connection in the room. */
  first: boolean;
  /** Grows with each joining and leaving in the room. */
  revision: number;
}

export interface LeaveResult {
  /** Whether the user has no other connection in the room. */
  last: boolean;
  revision: number;
  /** Whether the connection held the lock, which now waits for the user's return. */
  away: boolean;
  state: RoomState;
}

/** A lease to renew. `member` is who holds it. */
export interface Lease {
  room: string;
  member: Member;
  token: number;
}

/**
 * Locks, queues and presence of all rooms, shared by all processes. Each operation is atomic and
 * safe to repeat. Times are the store's own, so that processes with wrong clocks agree. Tokens grow
 * with each grant as long as the store remembers the room; `raise` lifts them above what the
 * database remembers.
 *
 * Operations reject with `StoreUnavailable` when the store cannot be reached; then it is unknown
 * whether they were done.
 */
export interface CollabStore {
  /** Says that `process` lives. Resolves to all live processes. */
  beat(process: string): Promise<string[]>;
  /** Says that `process` ends: its members are gone, its locks are away. */
  retire(process: string): Promise<void>;

  join(room: string, member: Member): Promise<JoinResult>;
  /** Replaces what is known of a present member. */
  update(room: string, member: Member): Promise<void>;
  /** Without `keepLock` a lock of the connection is released at once. */
  leave(room: string, member: Member, keepLock: boolean): Promise<LeaveResult>;
  members(room: string): Promise<Member[]>;
  /** Those of `rooms` in which somebody is. */
  occupied(rooms: string[]): Promise<string[]>;

  /**
   * Takes the lock if it is free and nobody waits longer, or if it is kept for the same user (`token`
   * proves the same tab, whose token stays valid). Otherwise queues the member.
   */
  claim(room: string, member: Member, token?: number): Promise<ClaimResult>;
  /**
   * Confirms or extends leases. False where the lock has gone to somebody else. A store that forgot
   * the lock takes it back from its holder.
   */
  renew(leases: Lease[]): Promise<boolean[]>;
  /** A new token greater than `atLeast` for the holder of `token`, or null if it holds no longer. */
  raise(room: string, member: Member, token: number, atLeast: number): Promise<number | null>;
  /** Gives an unconfirmed lock back to a holder that the store forgot; the member waits first. */
  yieldTo(
    room: string,
    member: Member,
    token: number,
    holder: { userId: number; name: string; token: number },
  ): Promise<RoomState>;
  /** Whether `token` was the lock. It settles for `settle` milliseconds before it is free. */
  release(room: string, member: Member, token: number, settle: number): Promise<boolean>;
  /** Passes the lock to a user who is present, first to a connection that waits. */
  transfer(room: string, member: Member, token: number, toUser: number): Promise<Lock | null>;
  /** Takes the lock whoever has it. */
  force(room: string, member: Member): Promise<{ token: number; previous: Lock | null }>;
  /** Gives a free lock to the first who waits and whose process lives. */
  advance(room: string): Promise<{ promoted: Lock | null; state: RoomState }>;
  inspect(room: string): Promise<RoomState>;
  enqueue(room: string, member: Member): Promise<RoomState>;
  dequeue(room: string, member: Member): Promise<RoomState>;

  /** True once per `milliseconds` for each key. */
  once(key: string, milliseconds: number): Promise<boolean>;
  /** Milliseconds until `once` is true again for the key. */
  onceIn(key: string): Promise<number>;

  /** To every subscriber of `channel` in every process, the publisher's own included. */
  publish(channel: string, message: string): Promise<void>;
  /** Resolves to the way to stop. */
  subscribe(channel: string, fn: (message: string) => void): Promise<() => Promise<void>>;

  readonly available: boolean;
  /** Called with false when the store is lost, with true whenever it was reached again. */
  onAvailability(fn: (available: boolean) => void): void;
  close(): Promise<void>;
}

/** The store cannot be reached. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}

/** How a person is called on the wire: the e-mail address, or the user name without one. */
export function nameOf(person: { username: string; email: string }): string {
  return person.email || person.username;
}
