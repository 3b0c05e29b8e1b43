import type { Database, Transaction } from "../db/mod.ts";
import type { ChatArchive } from "./chat_archive.ts";
import type { EditLocks } from "./edit_locks.ts";
import type { UserEvent } from "./events.ts";
import type { CollabIdentity, Standing } from "./identity.ts";
import type { CollabOptions } from "./options.ts";
import type { CollabStore, Member } from "./store.ts";

/** A forced take-over, for the audit trail. */
export interface ForcedTakeOver {
  room: string;
  by: CollabIdentity;
  /** Who lost the lock; null when it was free. */
  from: { userId: number; name: string } | null;
  token: number;
  reason: string;
}

/** What rooms share with their hub. */
export interface HubContext {
  /** Names this process among those on the store. */
  readonly process: string;
  readonly db: Database;
  readonly store: CollabStore;
  readonly locks: EditLocks;
  readonly chat: ChatArchive;
  readonly options: CollabOptions;
  stillAllowed(identity: CollabIdentity, room: string): Promise<Standing>;
  onForcedTakeOver(tx: Transaction, event: ForcedTakeOver): Promise<void>;
  /** Logs what went wrong without anybody to tell. */
  report(error: unknown): void;
  /** Tells all tabs of a person, in all processes. */
  tell(userId: number, event: UserEvent): Promise<void>;
  /** Leaves the room again when the store returns. */
  leaveLater(room: string, member: Member, keepLock: boolean): void;
}
