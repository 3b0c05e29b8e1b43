/**
 * Names, messages, limits and close codes of the collaboration sockets, shared by server and browser.
 * Frames are JSON texts with a `type`. The first group of each table is the wire of
 * django-admin-collaborator 0.4.4, whose script ignores the second group.
 */

/** Types of messages that a browser sends. */
export const clientMessage = {
  requestEditorStatus: "request_editor_status",
  claimEditor: "claim_editor",
  heartbeat: "heartbeat",
  contentUpdated: "content_updated",
  releaseLock: "release_lock",
  requestAttention: "request_attention",
  chatMessage: "chat_message",

  leaveQueue: "leave_queue",
  fieldFocus: "field_focus",
  typing: "typing",
  activity: "activity",
  declineAttention: "decline_attention",
  handOver: "hand_over",
  forceTakeOver: "force_take_over",
  chatHistory: "chat_history",
  markRead: "mark_read",
} as const;

/** Types of messages that the server sends. */
export const serverMessage = {
  userJoined: "user_joined",
  userLeft: "user_left",
  editorStatus: "editor_status",
  contentUpdated: "content_updated",
  lockReleased: "lock_released",
  attentionRequested: "attention_requested",
  activeUsers: "active_users",
  chatMessage: "chat_message",

  presentUsers: "present_users",
  claimDenied: "claim_denied",
  queuePosition: "queue_position",
  editorAway: "editor_away",
  lockLost: "lock_lost",
  lockTaken: "lock_taken",
  lockUnavailable: "lock_unavailable",
  lockAvailable: "lock_available",
  attentionDeclined: "attention_declined",
  attentionThrottled: "attention_throttled",
  draftHandedOver: "draft_handed_over",
  recordChanged: "record_changed",
  fieldFocus: "field_focus",
  typing: "typing",
  activity: "activity",
  chatHistory: "chat_history",
  chatNotice: "chat_notice",
  unreadCounts: "unread_counts",
  messagesRead: "messages_read",
  error: "error",
} as const;

/** WebSocket close codes of the collaboration sockets. */
export const closeCode = {
  /** The server stops; connect again. */
  goingAway: 1001,
  /** A frame longer than `collabLimits.frameLength`. */
  tooLarge: 1009,
  /** The server cannot check the session at the moment; connect again. */
  tryAgainLater: 1013,
  /** Too many frames that are no messages. */
  malformed: 4400,
  /** The session has ended; sign in again. */
  signedOut: 4401,
  /** The right to see this page was withdrawn. */
  forbidden: 4403,
  /** Chat is switched off. */
  chatDisabled: 4404,
  /** The reader does not keep up with what the room says. */
  slowConsumer: 4408,
  /** Messages arrive faster than the limit allows. */
  flooded: 4429,
} as const;

/** Bounds of one connection. */
export const collabLimits = {
  /** Longest frame from a browser, in UTF-16 units (a draft that is handed over is the longest). */
  frameLength: 131_072,
  /** Messages per second that a connection may send in the long run, and at once. */
  messagesPerSecond: 20,
  messageBurst: 60,
  /** Messages over the rate that are answered with an error before the socket is closed. */
  floodTolerance: 100,
  /** Frames that are no messages before the socket is closed. */
  malformedFrames: 5,
  /** Messages that wait for their turn before the socket is closed. */
  waitingMessages: 100,
  /** Bytes not yet taken by the reader before the socket is closed. */
  bufferedBytes: 1_048_576,
  /** Longest chat message, in characters. */
  chatLength: 4_000,
  /** Longest message of an attention request or reason of a forced take-over, in characters. */
  noteLength: 500,
  /** Chat messages per second that a person may send in the long run, and at once. */
  chatPerSecond: 1,
  chatBurst: 15,
  /** Chat messages of one page of history. */
  historyPage: 50,
} as const;

/**
 * The `editor_id` that another tab of the editor reads. The collaborator's script enables the form
 * when it reads its own user's id, which must happen in one tab alone.
 */
export const editorInAnotherTab = 0;

/** Why a claim was denied. */
export type DenialReason =
  | "held"
  | "held_in_another_tab"
  | "returning"
  | "queued"
  | "read_only"
  | "unavailable";

/** Somebody present in a room. */
export interface PresentUser {
  user_id: number;
  username: string;
  email: string;
  avatar_url: string | null;
  idle: boolean;
  /** The field that this person, who is the editor, is in. */
  field: string | null;
}

export interface EditorStatusMessage {
  type: typeof serverMessage.editorStatus;
  editor_id: number | null;
  editor_name: string | null;
  /** Sent to the editor's own connection alone; a save carries it. */
  fencing_token?: number;
  /** Places before the reader in the queue, plus one; null when it does not wait. */
  position: number | null;
  /** Whether the editor's connection has dropped and the lock waits for it. */
  away: boolean;
}

/** The difference of a record that was saved, or changed by a sync push or in SQL. */
export interface RecordChangedMessage {
  type: typeof serverMessage.recordChanged;
  /** Null when the database keeps no trail of the table: then it was a push or SQL. */
  source: "save" | "sync" | "sql" | null;
  user_id: number | null;
  username: string | null;
  /** Texts as the form shows them; `old` is absent where the server does not know what a page shows. */
  fields: Record<string, { old?: string | null; new: string | null }>;
  version: string | null;
  deleted: boolean;
  timestamp: string;
}

/**
 * Name of the room of a record. All three as the server spells them: what differs in case alone may
 * be another model or another record.
 */
export function recordRoom(app: string, model: string, id: string): string {
  return `record:${app}/${model}/${id}`;
}

/** Name of the chat room of a page: its path without the leading slash, other slashes as `_`. */
export function pageRoom(path: string): string {
  return `page:${path.replace(/^\//, "").replaceAll("/", "_")}`;
}

/** What the page of a record is told about editing together: addresses, texts and times. */
export interface CollabPage {
  /** Paths of the sockets of the record's room and of the page's chat; no chat when it is off. */
  room: string;
  chat: string | null;
  me: { id: number; name: string };
  /** May take the edit lock from somebody else. */
  canForce: boolean;
  /** Seconds. */
  grace: number;
  idleAfter: number;
  chatLength: number;
  texts: {
    editorMode: string;
    viewerMode: string;
    claimingEditor: string;
    notification: string;
    notificationButton: string;
    requestSent: string;
    chatTitle: string;
    chatEmpty: string;
    chatStart: string;
    chatPlaceholder: string;
    chatOnline: string;
  };
}
