import type { Lock } from "./store.ts";

/** Somebody present in a room, whatever the number of tabs. */
export interface Person {
  userId: number;
  username: string;
  email: string;
  avatarUrl: string | null;
  joinedAt: string;
  idle: boolean;
  field: string | null;
}

/** What a process tells the others about a room. Frames are serialised once, by the sender. */
export type RoomEvent =
  /** To everyone, or to everyone but one connection or the editor, or to one user alone. */
  | { kind: "frame"; frame: string; except?: string; exceptEditor?: boolean; user?: number }
  | { kind: "joined"; person: Person; revision: number; except?: string }
  | { kind: "left"; userId: number; revision: number }
  | { kind: "person"; person: Person; frame: string }
  | { kind: "editor"; lock: EditorLock }
  | { kind: "released"; token: number; frame: string }
  | { kind: "away"; lock: Lock }
  | { kind: "promoted"; lock: Lock; handedOver?: HandOver }
  | { kind: "taken"; connection: string; frame: string }
  | { kind: "queue"; queue: string[] };

export type EditorLock = Pick<Lock, "connection" | "userId" | "name" | "token">;

/** What an editor hands over with the lock. */
export interface HandOver {
  userId: number;
  name: string;
  /** Unsaved values by field name, or null. */
  draft: Record<string, unknown> | null;
}

/** What a process tells the others about a person. */
export type UserEvent =
  /** A frame for the person's tabs on `page`, and another one for those elsewhere. */
  | { kind: "chat"; page: string; frame: string; elsewhere?: string; except?: string }
  | { kind: "disconnect"; code: number; reason: string };
