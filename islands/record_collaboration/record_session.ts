import { signal } from "@preact/signals";
import {
  clientMessage,
  type CollabPage,
  editorInAnotherTab,
  type RecordChangedMessage,
  serverMessage,
} from "../../lib/protocol/mod.ts";
import { AttentionRequests } from "./attention_requests.ts";
import { clashTitle, RecordChanges } from "./record_changes.ts";
import type { RecordFields, Texts } from "./record_fields.ts";
import { RecordPresence } from "./record_presence.ts";
import { type Frame, RoomSocket } from "./room_socket.ts";
import { saveRecord } from "./save_record.ts";
import type { AttentionRequest, KeptInput, LockState, Notice } from "./session_state.ts";

const retryClaim = 2_000;

/** A record's page among those of others: who may change the form, and how that passes on. */
export class RecordSession {
  readonly state = signal<LockState>({ kind: "connecting" });
  readonly notice = signal<Notice | null>(null);
  readonly kept = signal<KeptInput | null>(null);
  readonly changed = signal(0);
  readonly saving = signal(false);
  readonly page: CollabPage;
  readonly fields: RecordFields;
  readonly presence: RecordPresence;
  readonly attention: AttentionRequests;
  readonly #changes: RecordChanges;
  #socket: RoomSocket | undefined;
  /** Of the lock that this page holds, or held when its connection broke. */
  #token: number | null = null;
  #claimTimer: ReturnType<typeof setTimeout> | undefined;
  /** Whether the connection has said who is signed in. */
  #introduced = false;

  constructor(page: CollabPage, fields: RecordFields) {
    this.page = page;
    this.fields = fields;
    this.presence = new RecordPresence(page, fields, {
      isEditor: () => this.isEditor(),
      send: (type, fields) => this.#send(type, fields),
    });
    this.attention = new AttentionRequests(page, {
      isEditor: () => this.isEditor(),
      send: (type, fields) => this.#send(type, fields),
      say: (kind, text, title) => this.#say(kind, text, title),
    });
    this.#changes = new RecordChanges(page, fields, {
      say: (kind, text, title) => this.#say(kind, text, title),
      deleted: (by) => this.#deleted(by),
      mark: () => this.#mark(),
    });
  }

  start(): () => void {
    const version = () => encodeURIComponent(this.fields.version);
    this.#socket = new RoomSocket(() => `${this.page.room}?version=${version()}`, {
      opened: () => this.#introduced = false,
      message: (frame) => this.#receive(frame),
      lost: () => this.#lostConnection(),
      ended: (message, signedOut) => this.#ended(message, signedOut),
    });
    const stopPresence = this.presence.start();
    const seen = () => this.#visible();
    const leave = () => this.#leave();
    document.addEventListener("visibilitychange", seen);
    addEventListener("pagehide", leave);
    return () => {
      stopPresence();
      document.removeEventListener("visibilitychange", seen);
      removeEventListener("pagehide", leave);
      clearTimeout(this.#claimTimer);
      this.#socket?.close();
    };
  }

  isEditor(): boolean {
    return this.state.value.kind === "editor";
  }

  /** Saves the form. Resolves to whether it is saved. */
  async save(): Promise<boolean> {
    if (this.saving.value) return false;
    const undecided = this.fields.undecided;
    if (undecided) {
      this.#say(
        "warning",
        "Choose for each marked field whose value stays, then save.",
        clashTitle,
      );
      undecided.querySelector("input")?.focus();
      return false;
    }
    this.notice.value = null;
    this.saving.value = true;
    const sent: Texts = Object.fromEntries(
      this.fields.changed().map((name) => [name, this.fields.value(name)]),
    );
    const outcome = await saveRecord(this.fields.form, this.#token);
    this.saving.value = false;
    return this.#changes.saved(outcome, sent);
  }

  leaveQueue(): void {
    this.#send(clientMessage.leaveQueue);
    const state = this.state.value;
    if (state.kind === "viewer") this.state.value = { ...state, position: null };
  }

  /** Gives the lock to who asked: with what is in the form and not saved, after saving it, or both as is. */
  async handOver(request: AttentionRequest, how: "saved" | "draft"): Promise<void> {
    if (how === "saved" && this.fields.changed().length > 0 && !await this.save()) return;
    const draft = this.fields.draft();
    const sent = this.#send(clientMessage.handOver, {
      user_id: request.userId,
      draft: Object.keys(draft).length > 0 ? draft : null,
    });
    if (sent) this.attention.answered(request.userId);
  }

  /** Goes on after the session has ended, if somebody has signed in since. */
  signedInAgain(): void {
    this.#socket?.again();
  }

  /** Path of another page of this record. */
  pathTo(page: "history" | "list"): string {
    return new URL(page === "list" ? "../../" : "../history/", this.fields.form.action).pathname;
  }

  takeOver(reason: string): void {
    this.#send(clientMessage.forceTakeOver, { reason: reason.trim() || null });
  }

  /** Puts kept input back into the form. */
  restoreKept(): void {
    const kept = this.kept.value;
    if (!kept || !this.isEditor()) return;
    for (const { name, text } of kept.fields) this.fields.set(name, text);
    this.kept.value = null;
    this.#mark();
  }

  #receive(frame: Frame): void {
    switch (frame.type) {
      case serverMessage.userJoined:
        return this.#joined(frame);
      case serverMessage.userLeft:
        this.presence.receive(frame);
        this.attention.answered(frame.user_id);
        // Was it the editor, then the lock is free.
        return this.state.value.kind === "viewer" ? this.#ask() : undefined;
      case serverMessage.editorStatus:
        return this.#status(frame);
      case serverMessage.claimDenied:
        return this.#denied(frame);
      case serverMessage.queuePosition: {
        const state = this.state.value;
        if (state.kind === "viewer") this.state.value = { ...state, position: frame.position };
        return;
      }
      case serverMessage.editorAway:
        return this.#editorAway(frame);
      case serverMessage.lockReleased:
        if (this.isEditor()) return;
        this.state.value = { kind: "free" };
        return this.#ask();
      case serverMessage.lockLost:
        return this.#lost(frame);
      case serverMessage.lockTaken:
        this.#token = null;
        if (frame.user_id === this.page.me.id) {
          return this.#keepInput("You are editing in another tab now.");
        }
        this.#keepInput(`${frame.username} took over the lock while you were editing.`);
        return this.#say(
          "warning",
          frame.reason ? `The reason given: ${frame.reason}` : "No reason was given.",
          `${frame.username} has taken over the lock`,
        );
      case serverMessage.lockUnavailable:
        if (!this.isEditor()) this.state.value = { kind: "unavailable", message: frame.message };
        return;
      case serverMessage.lockAvailable:
        return this.isEditor() ? undefined : this.#ask();
      case serverMessage.draftHandedOver:
        return this.#handedOver(frame);
      case serverMessage.attentionRequested:
      case serverMessage.attentionDeclined:
      case serverMessage.attentionThrottled:
        return this.attention.receive(frame);
      case serverMessage.recordChanged:
        return this.#changes.changed(frame as unknown as RecordChangedMessage);
      case serverMessage.error:
        return this.#say("warning", frame.message);
      default:
        return this.presence.receive(frame);
    }
  }

  #joined(frame: Frame): void {
    const first = !this.#introduced;
    this.#introduced = true;
    this.presence.receive(frame);
    if (!first) return;
    if (frame.user_id !== this.page.me.id) {
      this.#socket?.close();
      return this.#ended(
        `You are signed in as ${frame.username} now. Open this page again.`,
        false,
      );
    }
    if (this.#token !== null) this.#claim();
    else this.#ask();
  }

  #status(frame: Frame): void {
    const { editor_id: editor, editor_name: name, position, away } = frame;
    if (typeof frame.fencing_token === "number") return this.#granted(frame.fencing_token);
    if (editor === null) {
      if (this.#token !== null) return this.#claim();
      this.state.value = { kind: "free" };
      return this.#claimIfSeen();
    }
    const wasEditor = this.isEditor();
    const elsewhere = editor === editorInAnotherTab;
    if (this.#token !== null) {
      this.#keepInput(
        elsewhere ? "You are editing in another tab now." : `${name} is editing now.`,
      );
      this.#token = null;
    }
    this.#view(elsewhere ? null : name, position, away ? Date.now() : null);
    if (wasEditor && this.kept.value === null) this.notice.value = null;
  }

  #granted(token: number): void {
    const wasEditor = this.isEditor() || this.#token !== null;
    this.#token = token;
    this.state.value = { kind: "editor" };
    this.fields.setDisabled(false);
    if (!wasEditor && this.notice.value?.kind !== "success") this.notice.value = null;
    this.presence.begin();
  }

  #view(editor: string | null, position: number | null, awayUntil: number | null): void {
    // Typed before it was known that somebody else edits.
    this.#keepInput(`${editor ?? "Another tab of yours"} is editing.`);
    this.state.value = { kind: "viewer", editor, position, awayUntil };
    this.attention.clear();
    this.fields.setDisabled(true);
  }

  #denied(frame: Frame): void {
    switch (frame.reason) {
      case "read_only":
        this.#keepInput("You may not change this record.");
        this.fields.setDisabled(true);
        this.state.value = { kind: "readonly" };
        return;
      case "unavailable":
        if (!this.isEditor()) this.state.value = { kind: "unavailable", message: frame.message };
        return;
      case "held_in_another_tab":
        // The server has not noticed yet that the former connection of this page broke.
        if (this.#token !== null) return this.#claimSoon();
        return this.#view(null, frame.position, null);
      case "queued":
        if (frame.editor_id === null) {
          if (this.#token !== null) return this.#claimSoon();
          this.#keepInput("Others were waiting before you.");
          this.fields.setDisabled(true);
          return;
        }
    }
    this.#token = null;
    this.#view(frame.editor_name, frame.position, frame.reason === "returning" ? Date.now() : null);
  }

  #editorAway(frame: Frame): void {
    if (this.isEditor()) return;
    // The lock is kept for this very person, perhaps of another tab.
    if (frame.user_id === this.page.me.id) return this.#ask();
    const state = this.state.value;
    if (state.kind !== "viewer") return;
    this.state.value = { ...state, awayUntil: Date.now() + frame.seconds * 1000 };
  }

  #lost({ reason }: Frame): void {
    if (reason === "permission_denied") {
      this.#keepInput("Your right to change this record was withdrawn.");
      this.#token = null;
      this.fields.setDisabled(true);
      this.state.value = { kind: "readonly" };
    } else if (reason === "unavailable") {
      this.state.value = {
        kind: "unavailable",
        message:
          "Edit locks cannot be checked at the moment. Your input stays here; saving works " +
          "as long as nobody else could begin to edit.",
      };
    }
    // Otherwise the status that follows says who edits now.
  }

  #handedOver(frame: Frame): void {
    const draft = frame.draft as Texts | null;
    const labels: string[] = [];
    for (const [name, text] of Object.entries(draft ?? {})) {
      if (!this.fields.has(name) || typeof text !== "string" && text !== null) continue;
      this.fields.set(name, text);
      labels.push(this.fields.label(name));
    }
    this.#granted(frame.fencing_token);
    this.#mark();
    this.#say(
      "success",
      labels.length > 0
        ? `Their unsaved values are in the form: ${labels.join(", ")}. Save to keep them.`
        : "You can edit now.",
      `${frame.username} handed over to you`,
    );
  }

  #say(kind: Notice["kind"], text: string, title?: string): void {
    this.notice.value = { kind, text, title };
  }

  /** Moves what was typed out of the form, so that the form can show what others save. */
  #keepInput(why: string): void {
    const fields = this.fields.kept();
    if (fields.length === 0) return;
    const earlier =
      this.kept.value?.fields.filter(({ name }) => fields.every((field) => field.name !== name)) ??
        [];
    this.kept.value = { why, fields: [...earlier, ...fields] };
    this.fields.reset();
    this.#mark();
  }

  #mark(): void {
    this.changed.value = this.fields.mark();
  }

  #lostConnection(): void {
    this.presence.clear();
    this.attention.clear();
    const { kind } = this.state.value;
    if (kind === "reconnecting") return;
    const until = this.#token === null ? null : Date.now() + this.page.grace * 1000;
    this.state.value = { kind: "reconnecting", until };
  }

  #deleted(by: string): void {
    this.#socket?.close();
    this.presence.clear();
    this.attention.clear();
    this.#token = null;
    this.#keepInput(`${by} deleted the record.`);
    this.fields.setDisabled(true);
    this.#say("danger", "What you see is what it was.", `${by} deleted this record`);
    this.state.value = { kind: "deleted", by };
  }

  #ended(message: string, signedOut: boolean): void {
    this.presence.clear();
    this.attention.clear();
    this.#token = null;
    // Who signs in again goes on with the input where it is, unless somebody else edits by then.
    if (!signedOut) this.#keepInput(message);
    this.fields.setDisabled(true);
    this.state.value = { kind: "ended", message, signedOut };
  }

  #ask(): void {
    this.#send(clientMessage.requestEditorStatus, { timestamp: new Date().toISOString() });
  }

  #claim(): void {
    this.#send(clientMessage.claimEditor, {
      timestamp: new Date().toISOString(),
      fencing_token: this.#token ?? undefined,
    });
  }

  #claimSoon(): void {
    clearTimeout(this.#claimTimer);
    this.#claimTimer = setTimeout(() => this.#claim(), retryClaim);
  }

  /** A page in a hidden tab shall not keep others from editing. */
  #claimIfSeen(): void {
    if (document.visibilityState === "visible") this.#claim();
  }

  #visible(): void {
    if (document.visibilityState === "visible" && this.state.value.kind === "free") this.#ask();
  }

  #leave(): void {
    if (this.#token !== null) this.#send(clientMessage.releaseLock);
  }

  #send(type: string, fields?: Record<string, unknown>): boolean {
    return this.#socket?.send(type, fields) ?? false;
  }
}
