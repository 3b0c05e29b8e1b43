import {
  type DenialReason,
  editorInAnotherTab,
  type EditorStatusMessage,
  serverMessage,
} from "../protocol/mod.ts";
import type { Connection } from "./connection.ts";
import type { EditorLock } from "./events.ts";
import { type Lock, nameOf } from "./store.ts";

/** Public sentences for each reason. */
export const denialText: Record<DenialReason, (name: string | null) => string> = {
  held: (name) => `${name} is editing. You are in the queue.`,
  held_in_another_tab: () => "You are editing in another tab. This tab is in the queue.",
  returning: (name) => `${name}'s place is kept for a moment. You are in the queue.`,
  queued: () => "Others have waited longer. You are in the queue.",
  read_only: () => "You have no right to edit this record.",
  unavailable: () => "Edit locks cannot be checked at the moment. You need not ask again.",
};

export function reasonOf(connection: Connection, lock: Lock | null): DenialReason {
  if (!lock || lock.mode === "settling") return "queued";
  if (lock.away) return "returning";
  return lock.userId === connection.identity.userId ? "held_in_another_tab" : "held";
}

export function statusOf(
  lock: Pick<Lock, "userId" | "name"> | null,
  position: number | null,
  away = false,
): EditorStatusMessage {
  return {
    type: serverMessage.editorStatus,
    editor_id: lock?.userId ?? null,
    editor_name: lock?.name ?? null,
    position,
    away,
  };
}

/** The status as one connection must read it. */
export function statusFor(
  connection: Connection,
  lock: (EditorLock & { away?: boolean }) | null,
  queue: string[],
): EditorStatusMessage {
  const status = statusOf(lock, positionOf(connection, queue), lock?.away);
  if (!lock || lock.userId !== connection.identity.userId) return status;
  if (lock.connection === connection.id) {
    return connection.lease ? { ...status, fencing_token: connection.lease.token } : status;
  }
  // A lock that is kept for this user is to be claimed; one in another tab is not theirs here.
  if (lock.away) return { ...status, editor_id: null, editor_name: null };
  return { ...status, editor_id: editorInAnotherTab };
}

export function positionOf(connection: Connection, queue: string[]): number | null {
  const index = queue.indexOf(connection.id);
  return index < 0 ? null : index + 1;
}

export function editorOf(connection: Connection, token: number): EditorLock {
  const { userId } = connection.identity;
  return { connection: connection.id, userId, name: nameOf(connection.identity), token };
}

export function contentUpdated(
  userId: number | null,
  name: string | null,
  timestamp: string,
): string {
  return JSON.stringify({
    type: serverMessage.contentUpdated,
    user_id: userId,
    username: name,
    timestamp,
  });
}
