import {
  type CollabPage,
  type RecordChangedMessage,
  serverMessage,
} from "../../lib/protocol/mod.ts";
import type { RecordFields, Texts } from "./record_fields.ts";
import type { SaveOutcome } from "./save_record.ts";
import type { Notice } from "./session_state.ts";

export const clashTitle = "Somebody else changed this record while you edited it";

export interface ChangeHandlers {
  say(kind: Notice["kind"], text: string, title?: string): void;
  /** The record is there no more. */
  deleted(by: string): void;
  /** Looks again which fields differ from what is stored. */
  mark(): void;
}

/** Brings what was saved, here or elsewhere, into the form. */
export class RecordChanges {
  readonly #page: CollabPage;
  readonly #fields: RecordFields;
  readonly #session: ChangeHandlers;

  constructor(page: CollabPage, fields: RecordFields, session: ChangeHandlers) {
    this.#page = page;
    this.#fields = fields;
    this.#session = session;
  }

  /** Somebody has changed the record, by whatever way. */
  changed(
    { fields, user_id, username, source, version, deleted }: RecordChangedMessage,
  ): void {
    const own = user_id === this.#page.me.id;
    const by = own ? "You" : username ?? "Somebody else";
    if (deleted) return this.#session.deleted(own ? by : who(username, source));
    const texts = Object.fromEntries(
      Object.entries(fields).map(([name, { new: text }]) => [name, text]),
    );
    if (version !== null) this.#fields.version = version;
    const { updated, clashing } = this.#fields.land(texts, by);
    this.#session.mark();
    if (clashing.length > 0) {
      return this.#session.say(
        "warning",
        `${who(username, source)} changed ${
          clashing.join(", ")
        }, as you did. Nothing of yours is ` +
          "lost: choose at each marked field whose value stays, then save.",
        clashTitle,
      );
    }
    if (updated.length === 0) return;
    this.#session.say(
      "info",
      `${own ? "You" : who(username, source)} changed ${updated.join(", ")}.`,
    );
  }

  /** What came of a save of `sent`. Returns whether it is saved. */
  saved(outcome: SaveOutcome, sent: Texts): boolean {
    this.#fields.setErrors(outcome.kind === "refused" ? outcome.problems : {});
    switch (outcome.kind) {
      case "saved": {
        this.#fields.clearClashes();
        if (outcome.version) this.#fields.version = outcome.version;
        for (const [name, text] of Object.entries(outcome.values)) {
          const untouched = !(name in sent) || this.#fields.value(name) === sent[name];
          this.#fields.rebase(name, text);
          if (untouched && this.#fields.value(name) !== text) this.#fields.set(name, text);
        }
        this.#session.mark();
        this.#session.say(
          outcome.labels.length > 0 ? "success" : "info",
          outcome.labels.length > 0
            ? `Saved. Changed: ${outcome.labels.join(", ")}.`
            : "Nothing was changed, so nothing was written.",
        );
        return true;
      }
      case "conflict":
        this.changed({
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
        if (this.#fields.undecided) this.#fields.undecided.querySelector("input")?.focus();
        else {
          this.#session.say(
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
        this.#session.say("danger", outcome.problem ?? marked, "The record was not saved");
        return false;
      }
    }
  }
}

function who(username: string | null, source: RecordChangedMessage["source"]): string {
  if (source === "sync") return username === null ? "A sync" : `${username} by a sync`;
  if (source === "sql") return "A change in the database itself";
  return username ?? "A sync or a change in the database";
}
