import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { collabLimits } from "../../lib/protocol/mod.ts";
import { Icon } from "../../lib/ui/mod.ts";
import { useKeptFocus } from "./kept_focus.ts";
import type { RecordSession } from "./record_session.ts";
import type { LockState } from "./session_state.ts";

/** Says who edits, and offers what one can do about it. */
export function LockBar({ session }: { session: RecordSession }) {
  const state = session.state.value;
  const [dialog, setDialog] = useState<"ask" | "force" | null>(null);
  const bar = useRef<HTMLDivElement>(null);
  const opened = useRef("ask");
  useKeptFocus(
    bar,
    () =>
      bar.current?.querySelector<HTMLElement>(`[data-opens=${opened.current}]`) ??
        bar.current?.querySelector<HTMLElement>(".lock-actions button") ??
        bar.current?.querySelector<HTMLElement>(".lock-state"),
  );
  const show = (dialog: "ask" | "force") => {
    opened.current = dialog;
    setDialog(dialog);
  };
  const counts = state.kind === "reconnecting" && state.until !== null ||
    state.kind === "viewer" && state.awayUntil !== null;
  const now = useSeconds(counts);
  const viewing = state.kind === "viewer";
  const others = viewing && state.editor !== null;
  const open = viewing ? dialog : null;
  useEffect(() => {
    if (!viewing) setDialog(null);
  }, [viewing]);
  return (
    <div class="lock-bar" ref={bar}>
      <span class={`lock-state is-${state.kind}`} aria-live="polite" tabIndex={-1}>
        <Icon name={icons[state.kind]} /> {words(session, state, now)}
      </span>
      {state.kind === "ended" && state.signedOut && (
        <span class="lock-actions">
          <button
            type="button"
            class="btn btn-outline-secondary btn-sm"
            onClick={() => session.signedInAgain()}
          >
            Try again
          </button>
        </span>
      )}
      {state.kind === "deleted" && (
        <span class="lock-actions">
          <a href={session.pathTo("history")}>Its history</a>
          <a href={session.pathTo("list")}>All records</a>
        </span>
      )}
      {viewing && !others && session.page.canForce && (
        <span class="lock-actions">
          <button
            type="button"
            class="btn btn-outline-secondary btn-sm"
            onClick={() => session.takeOver("Goes on in another tab")}
          >
            Edit here instead
          </button>
        </span>
      )}
      {others && open === null && (
        <span class="lock-actions">
          {state.position === null
            ? (
              <button
                type="button"
                class="btn btn-outline-secondary btn-sm"
                data-opens="ask"
                onClick={() => show("ask")}
              >
                <Icon name="bell" /> {session.page.texts.notificationButton}
              </button>
            )
            : (
              <button
                type="button"
                class="btn btn-outline-secondary btn-sm"
                onClick={() => session.leaveQueue()}
              >
                Stop waiting
              </button>
            )}
          {session.page.canForce && (
            <button
              type="button"
              class="btn btn-outline-danger btn-sm"
              data-opens="force"
              onClick={() => show("force")}
            >
              Take over…
            </button>
          )}
        </span>
      )}
      {open === "ask" && (
        <NoteForm
          label="Message to the editor, if you like"
          action={session.page.texts.notificationButton}
          tone="primary"
          initial={session.attention.message}
          onSend={(note) => {
            session.attention.ask(note);
            setDialog(null);
          }}
          onCancel={() => setDialog(null)}
        />
      )}
      {open === "force" && viewing && (
        <NoteForm
          label={`Why you take over. ${state.editor} reads it, and it goes to the audit trail.`}
          action={`Take over from ${state.editor}`}
          tone="danger"
          onSend={(note) => {
            session.takeOver(note);
            setDialog(null);
          }}
          onCancel={() => setDialog(null)}
        />
      )}
    </div>
  );
}

const icons: Record<LockState["kind"], string> = {
  connecting: "hourglass",
  editor: "pencil-fill",
  viewer: "lock",
  free: "unlock",
  readonly: "lock",
  unavailable: "exclamation-triangle",
  reconnecting: "wifi-off",
  deleted: "trash",
  ended: "x-circle",
};

function words(session: RecordSession, state: LockState, now: number): string {
  const { texts } = session.page;
  switch (state.kind) {
    case "connecting":
      return "Asking who is editing…";
    case "editor":
      return texts.editorMode;
    case "free":
      return texts.claimingEditor;
    case "readonly":
      return "You can look at this record, not change it.";
    case "deleted":
      return `${state.by} deleted this record. There is nothing left to edit.`;
    case "unavailable":
    case "ended":
      return state.message;
    case "reconnecting": {
      if (state.until === null) return "Connection lost. Connecting again…";
      const left = Math.ceil((state.until - now) / 1000);
      return left > 0
        ? `Connection lost. Keeping your place for ${left} s.`
        : "Connection lost. Your input stays here; connecting again…";
    }
    case "viewer": {
      if (state.editor === null) return "You are editing this page in another tab.";
      const place = state.position === null
        ? ""
        : state.position === 1
        ? " You are next."
        : ` You are number ${state.position} in the queue.`;
      const left = state.awayUntil === null ? 0 : Math.ceil((state.awayUntil - now) / 1000);
      if (left > 0) {
        return `${state.editor} lost the connection; its place is kept ${left} s.${place}`;
      }
      return texts.viewerMode.replaceAll("{editor_name}", state.editor) + place;
    }
  }
}

/** The time, each second while it matters. */
function useSeconds(runs: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!runs) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [runs]);
  return now;
}

interface NoteFormProps {
  label: string;
  action: string;
  tone: "primary" | "danger";
  initial?: string;
  onSend(note: string): void;
  onCancel(): void;
}

/** A short text with its button. It stands in the record's form, so it is no form itself. */
function NoteForm({ label, action, tone, initial = "", onSend, onCancel }: NoteFormProps) {
  const [text, setText] = useState(initial);
  const input = useRef<HTMLInputElement>(null);
  const id = `note-${tone}`;
  useLayoutEffect(() => input.current?.focus(), []);
  return (
    <div
      class="lock-note"
      onKeyDown={(event) => {
        if (event.key === "Escape") onCancel();
        if (event.key !== "Enter" || event.target instanceof HTMLButtonElement) return;
        event.preventDefault();
        onSend(text);
      }}
    >
      <label class="form-label" for={id}>{label}</label>
      <input
        id={id}
        class="form-control"
        maxLength={collabLimits.noteLength}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        ref={input}
      />
      <button type="button" class={`btn btn-${tone}`} onClick={() => onSend(text)}>{action}</button>
      <button type="button" class="btn btn-outline-secondary" onClick={onCancel}>Cancel</button>
    </div>
  );
}
