import { signal } from "@preact/signals";
import {
  clientMessage,
  type CollabPage,
  editorInAnotherTab,
  type PresentUser,
  type RecordChangedMessage,
  serverMessage,
} from "../../lib/protocol/mod.ts";
import type { KeptField, RecordFields, Texts } from "./record_fields.ts";
import { type Frame, RoomSocket } from "./room_socket.ts";
import { type SaveOutcome, saveRecord } from "./save_record.ts";

/** Who may change the form now. */
export type LockState =
  | { kind: "connecting" }
  | { kind: "editor" }
  | { kind: "viewer"; editor: string; position: number | null; awayUntil: number | null }
  /** Nobody edits, and this tab has not asked yet, or has just done so. */
  | { kind: "free" }
  | { kind: "readonly" }
  | { kind: "unavailable"; message: string }
  /** The connection broke. `until` is when the place of an editor is no longer kept. */
  | { kind: "reconnecting"; until: number | null }
  | { kind: "ended"; message: string };

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

const focusDelay = 150;
const typingEvery = 2_000;
const retryClaim = 2_000;

/** A record's page among those of others: lock, presence, attention, and what others save. */
export class RecordSession {
  readonly state = signal<LockState>({ kind: "connecting" });
  readonly people = signal<PresentUser[]>([]);
  readonly requests = signal<AttentionRequest[]>([]);
  readonly notice = signal<Notice | null>(null);
  readonly kept = signal<KeptInput | null>(null);
  readonly changed = signal(0);
  readonly saving = signal(false);
  /** Whether this page has asked for the lock and waits for an answer. */
  readonly asked = signal(false);
  readonly page: CollabPage;
  readonly fields: RecordFields;
  #socket: RoomSocket | undefined;
  /** Of the lock that this page holds, or held when its connection broke. */
  #token: number | null = null;
  #field: string | null = null;
  #focusTimer: ReturnType<typeof setTimeout> | undefined;
  #claimTimer: ReturnType<typeof setTimeout> | undefined;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  #idle = false;
  #typedAt = 0;
  #typers = new Map<number, { field: string | null; until: number }>();

  constructor(page: CollabPage, fields: RecordFields) {
    this.page = page;
    this.fields = fields;
  }

  start(): () => void {
    const version = () => encodeURIComponent(this.fields.version);
    this.#socket = new RoomSocket(() => `${this.page.room}?version=${version()}`, {
      message: (frame) => this.#receive(frame),
      lost: () => this.#lostConnection(),
      ended: (message) => this.#ended(message),
    });
    const { form } = this.fields;
    const listeners: [EventTarget, string, (event: Event) => void][] = [
      [form, "focusin", (event) => this.#focus(event.target)],
      [form, "focusout", () => this.#focus(null)],
      [form, "input", (event) => this.#typed(event.target)],
      [document, "visibilitychange", () => this.#visible()],
      [globalThis, "pagehide", () => this.#leave()],
      ...["pointerdown", "keydown", "scroll"].map((name) =>
        [globalThis, name, () => this.#active()] as [EventTarget, string, () => void]
      ),
    ];
    for (const [target, name, fn] of listeners) target.addEventListener(name, fn);
    this.#active();
    return () => {
      for (const [target, name, fn] of listeners) target.removeEventListener(name, fn);
      for (const timer of [this.#focusTimer, this.#claimTimer, this.#idleTimer]) {
        clearTimeout(timer);
      }
      this.#socket?.close();
    };
  }

  /** Everybody else who has the page open. */
  others(): PresentUser[] {
    return this.people.value.filter(({ user_id }) => user_id !== this.page.me.id);
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
    return this.#saved(outcome, sent);
  }

  requestAttention(message: string): void {
    this.asked.value = this.#send(clientMessage.requestAttention, {
      timestamp: new Date().toISOString(),
      message: message.trim() || null,
    });
  }

  leaveQueue(): void {
    this.#send(clientMessage.leaveQueue);
    const state = this.state.value;
    if (state.kind === "viewer") this.state.value = { ...state, position: null };
    this.asked.value = false;
  }

  decline(request: AttentionRequest): void {
    this.#send(clientMessage.declineAttention, { user_id: request.userId });
    this.#answered(request);
  }

  /** Gives the lock to who asked: with what is in the form and not saved, after saving it, or both as is. */
  async handOver(request: AttentionRequest, how: "saved" | "draft"): Promise<void> {
    if (how === "saved" && this.fields.changed().length > 0 && !await this.save()) return;
    const draft = this.fields.draft();
    const sent = this.#send(clientMessage.handOver, {
      user_id: request.userId,
      draft: Object.keys(draft).length > 0 ? draft : null,
    });
    if (sent) this.#answered(request);
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

  #answered(request: AttentionRequest): void {
    this.requests.value = this.requests.value.filter((each) => each !== request);
  }

  #receive(frame: Frame): void {
    switch (frame.type) {
      case serverMessage.userJoined:
        return this.#joined(frame);
      case serverMessage.presentUsers:
        this.people.value = frame.users;
        return this.#showPresence();
      case serverMessage.userLeft:
        this.people.value = this.people.value.filter(({ user_id }) => user_id !== frame.user_id);
        this.requests.value = this.requests.value.filter(({ userId }) => userId !== frame.user_id);
        this.#showPresence();
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
        this.#keepInput(`${frame.username} took over the lock while you were editing.`);
        this.#token = null;
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
        return this.#attention(frame);
      case serverMessage.attentionDeclined:
        this.asked.value = false;
        return this.#say(
          "info",
          frame.message ?? "You keep your place in the queue.",
          `${frame.username} answered: not yet`,
        );
      case serverMessage.attentionThrottled:
        return this.#say("info", `You have just asked. You can ask again in ${frame.seconds} s.`);
      case serverMessage.recordChanged:
        return this.#recordChanged(frame as unknown as RecordChangedMessage);
      case serverMessage.fieldFocus:
        return this.#update(frame.user_id, { field: frame.field });
      case serverMessage.activity:
        return this.#update(frame.user_id, { idle: frame.idle });
      case serverMessage.typing: {
        const until = Date.now() + typingEvery + 1_000;
        this.#typers.set(frame.user_id, { field: frame.field, until });
        this.#showPresence();
        setTimeout(() => this.#showPresence(), typingEvery + 1_100);
        return;
      }
      case serverMessage.error:
        return this.#say("warning", frame.message);
    }
  }

  #joined(frame: Frame): void {
    if (frame.user_id === this.page.me.id && !this.people.value.some(isUser(frame.user_id))) {
      // The first frame of a connection.
      if (this.#token !== null) this.#claim();
      else this.#ask();
    }
    if (this.people.value.some(isUser(frame.user_id))) return;
    const { user_id, username, email, avatar_url } = frame;
    const person = { user_id, username, email, avatar_url, idle: false, field: null };
    this.people.value = [...this.people.value, person];
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
    this.asked.value = false;
    this.fields.setDisabled(false);
    if (!wasEditor && this.notice.value?.kind !== "success") this.notice.value = null;
    this.#focus(document.activeElement);
    this.#showPresence();
  }

  #view(editor: string | null, position: number | null, awayUntil: number | null): void {
    // Typed before it was known that somebody else edits.
    this.#keepInput(`${editor ?? "Another tab of yours"} is editing.`);
    this.state.value = {
      kind: "viewer",
      editor: editor ?? "You, in another tab,",
      position,
      awayUntil,
    };
    this.requests.value = [];
    this.fields.setDisabled(true);
    this.#showPresence();
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

  #attention(frame: Frame): void {
    const own = frame.user_id === this.page.me.id;
    if (!this.isEditor()) {
      if (own) this.#say("info", this.page.texts.requestSent);
      return;
    }
    const others = this.requests.value.filter(({ userId }) => userId !== frame.user_id);
    this.requests.value = [...others, {
      userId: frame.user_id,
      name: frame.username,
      message: frame.message ?? null,
    }];
  }

  #recordChanged({ fields, user_id, username, source, version, deleted }: RecordChangedMessage) {
    if (deleted) {
      this.fields.setDisabled(true);
      this.#keepInput("The record was deleted.");
      return this.#say("danger", "What you see is what it was.", "This record was deleted");
    }
    const own = user_id === this.page.me.id;
    const by = own ? "You" : username ?? "Somebody else";
    const texts = Object.fromEntries(
      Object.entries(fields).map(([name, { new: text }]) => [name, text]),
    );
    if (version !== null) this.fields.version = version;
    const { updated, clashing } = this.fields.land(texts, by);
    this.#mark();
    if (clashing.length > 0) {
      return this.#say(
        "warning",
        `${who(username, source)} changed ${
          clashing.join(", ")
        }, as you did. Nothing of yours is ` +
          "lost: choose at each marked field whose value stays, then save.",
        clashTitle,
      );
    }
    if (updated.length === 0) return;
    this.#say("info", `${own ? "You" : who(username, source)} changed ${updated.join(", ")}.`);
  }

  #saved(outcome: SaveOutcome, sent: Texts): boolean {
    this.fields.setErrors(outcome.kind === "refused" ? outcome.problems : {});
    switch (outcome.kind) {
      case "saved": {
        this.fields.clearClashes();
        if (outcome.version) this.fields.version = outcome.version;
        for (const [name, text] of Object.entries(outcome.values)) {
          const untouched = !(name in sent) || this.fields.value(name) === sent[name];
          this.fields.rebase(name, text);
          if (untouched && this.fields.value(name) !== text) this.fields.set(name, text);
        }
        this.#mark();
        this.#say(
          outcome.labels.length > 0 ? "success" : "info",
          outcome.labels.length > 0
            ? `Saved. Changed: ${outcome.labels.join(", ")}.`
            : "Nothing was changed, so nothing was written.",
        );
        return true;
      }
      case "conflict":
        this.#recordChanged({
          type: serverMessage.recordChanged,
          source: null,
          user_id: null,
          username: outcome.by,
          fields: Object.fromEntries(
            Object.entries(outcome.values).map(([name, text]) => [name, { new: text }]),
          ),
          version: outcome.version,
          deleted: false,
          timestamp: "",
        });
        if (this.fields.undecided) this.fields.undecided.querySelector("input")?.focus();
        else {
          this.#say(
            "warning",
            `${
              outcome.by ?? "Somebody else"
            } saved other fields meanwhile; they are marked. Nothing ` +
              "of yours is saved yet: save again.",
          );
        }
        return false;
      case "refused": {
        const wrong = Object.keys(outcome.problems).length;
        const marked = `Mend the ${wrong === 1 ? "field" : `${wrong} fields`} marked below.`;
        this.#say("danger", outcome.problem ?? marked, "The record was not saved");
        return false;
      }
    }
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
    this.people.value = [];
    this.requests.value = [];
    this.#showPresence();
    const { kind } = this.state.value;
    if (kind === "reconnecting") return;
    const until = this.#token === null ? null : Date.now() + this.page.grace * 1000;
    this.state.value = { kind: "reconnecting", until };
  }

  #ended(message: string): void {
    this.people.value = [];
    this.state.value = { kind: "ended", message };
    this.#showPresence();
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
    this.#active();
  }

  #leave(): void {
    if (this.#token !== null) this.#send(clientMessage.releaseLock);
  }

  #active(): void {
    clearTimeout(this.#idleTimer);
    if (this.#idle) this.#setIdle(false);
    this.#idleTimer = setTimeout(() => this.#setIdle(true), this.page.idleAfter * 1000);
  }

  #setIdle(idle: boolean): void {
    this.#idle = idle;
    this.#send(clientMessage.activity, { idle });
  }

  #focus(target: EventTarget | null): void {
    if (!this.isEditor()) return;
    const field = this.fields.columnOf(target);
    clearTimeout(this.#focusTimer);
    // From one field to the next there is a moment without focus.
    this.#focusTimer = setTimeout(() => {
      if (field === this.#field || !this.isEditor()) return;
      this.#field = field;
      this.#send(clientMessage.fieldFocus, { field });
    }, focusDelay);
  }

  #typed(target: EventTarget | null): void {
    this.#mark();
    const now = Date.now();
    if (!this.isEditor() || now - this.#typedAt < typingEvery) return;
    this.#typedAt = now;
    this.#send(clientMessage.typing, { field: this.fields.columnOf(target) });
  }

  #update(userId: number, more: Partial<PresentUser>): void {
    this.people.value = this.people.value.map((person) =>
      person.user_id === userId ? { ...person, ...more } : person
    );
    this.#showPresence();
  }

  #showPresence(): void {
    const words = new Map<string, string>();
    for (const person of this.others()) {
      if (person.field === null) continue;
      const typing = this.#typers.get(person.user_id);
      const types = typing?.field === person.field && typing.until > Date.now();
      words.set(person.field, `${person.username} is ${types ? "typing" : "here"}`);
    }
    this.fields.setPresence(words);
  }

  #send(type: string, fields?: Record<string, unknown>): boolean {
    return this.#socket?.send(type, fields) ?? false;
  }
}

const clashTitle = "Somebody else changed this record while you edited it";

const isUser = (id: number) => ({ user_id }: PresentUser) => user_id === id;

function who(username: string | null, source: RecordChangedMessage["source"]): string {
  if (source === "sync") return username === null ? "A sync" : `${username} by a sync`;
  if (source === "sql") return "A change in the database itself";
  return username ?? "A sync or a change in the database";
}
