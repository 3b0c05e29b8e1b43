import type { KeptField } from "./record_fields.ts";

/** Who may change the form now. */
export type LockState =
  | { kind: "connecting" }
  | { kind: "editor" }
  /** Somebody else edits, or with `editor` null another tab of the same person. */
  | { kind: "viewer"; editor: string | null; position: number | null; awayUntil: number | null }
  /** Nobody edits, and this tab has not asked yet, or has just done so. */
  | { kind: "free" }
  | { kind: "readonly" }
  | { kind: "unavailable"; message: string }
  /** The connection broke. `until` is when the place of an editor is no longer kept. */
  | { kind: "reconnecting"; until: number | null }
  /** There is nothing left to edit. */
  | { kind: "deleted"; by: string }
  /** The server refuses to go on; not for ever if the person is only `signedOut`. */
  | { kind: "ended"; message: string; signedOut: boolean };

/** Something that is said at the top of the page until the next thing is. */
export interface Notice {
  kind: "info" | "success" | "warning" | "danger";
  title?: string;
  text: string;
}

/** Somebody asks the editor for the lock. */
export interface AttentionRequest {
  userId: number;
  name: string;
  message: string | null;
}

/** Input that is no longer in the form because somebody else edits now. */
export interface KeptInput {
  why: string;
  fields: KeptField[];
}
