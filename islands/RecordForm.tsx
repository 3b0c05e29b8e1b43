import { useEffect, useRef, useState } from "preact/hooks";
import type { CollabPage } from "../lib/protocol/mod.ts";
import { BarNotice } from "./record_collaboration/BarNotice.tsx";
import { ChatPanel } from "./record_collaboration/ChatPanel.tsx";
import { ChatSession } from "./record_collaboration/chat_session.ts";
import { Elsewhere } from "./record_collaboration/Elsewhere.tsx";
import { LockBar } from "./record_collaboration/LockBar.tsx";
import { Notices, Requests } from "./record_collaboration/Notices.tsx";
import { Presence } from "./record_collaboration/Presence.tsx";
import { RecordFields } from "./record_collaboration/record_fields.ts";
import { RecordSession } from "./record_collaboration/record_session.ts";

export interface RecordFormProps {
  /** Off where nothing is stored yet. */
  counts: boolean;
  /** Where the record is edited together: the page has places `record-presence`, `-notices`, `-live`. */
  together?: CollabPage;
}

/**
 * Says in a record's form how many fields were changed and marks them, checks JSON while it is typed,
 * and asks before unsaved input is left. With `together` it shows who edits, saves without leaving
 * the page, and takes over what others save.
 */
export default function RecordForm({ counts, together }: RecordFormProps) {
  const place = useRef<HTMLSpanElement>(null);
  const [changed, setChanged] = useState<number>();
  const [live, setLive] = useState<{ session: RecordSession; chat: ChatSession | null }>();

  useEffect(() => {
    const form = place.current!.closest("form")!;
    const fields = new RecordFields(form);
    const session = together && new RecordSession(together, fields);
    const chat = together?.chat ? new ChatSession(together) : null;
    let touched = false;
    let sent = false;
    const look = () => {
      const count = fields.mark();
      if (counts) setChanged(count);
      if (session) session.changed.value = count;
      touched = !counts || count > 0;
    };
    const typed = (event: Event) => {
      if (event.target instanceof HTMLTextAreaElement) checkJson(event.target);
      look();
    };
    const send = (event: SubmitEvent) => {
      if (!session) {
        sent = true;
        return;
      }
      event.preventDefault();
      session.save();
    };
    const leave = (event: BeforeUnloadEvent) => {
      const unsaved = session
        ? fields.changed().length > 0 || session.kept.value !== null
        : touched && !sent;
      if (unsaved) event.preventDefault();
    };
    if (counts) look();
    form.addEventListener("input", typed);
    form.addEventListener("submit", send);
    addEventListener("beforeunload", leave);
    const stops = [session?.start(), chat?.start()];
    if (session) setLive({ session, chat });
    const bar = place.current!.parentElement!;
    const measure = new ResizeObserver(() =>
      document.documentElement.style.setProperty("--save-bar-height", `${bar.offsetHeight}px`)
    );
    measure.observe(bar);
    return () => {
      measure.disconnect();
      form.removeEventListener("input", typed);
      form.removeEventListener("submit", send);
      removeEventListener("beforeunload", leave);
      for (const stop of stops) stop?.();
    };
  }, []);

  const count = live ? live.session.changed.value : changed;
  const words = live?.session.saving.value
    ? "Saving…"
    : count === undefined
    ? ""
    : count === 0
    ? "Nothing is changed yet"
    : count === 1
    ? "1 field changed"
    : `${count} fields changed`;
  return (
    <>
      <span ref={place} class="changed-count needs-script" aria-live="polite">{words}</span>
      {live && (
        <>
          <BarNotice session={live.session} />
          <LockBar session={live.session} />
          <Elsewhere id="record-presence">
            <Presence session={live.session} />
          </Elsewhere>
          <Elsewhere id="record-notices">
            <Notices session={live.session} />
          </Elsewhere>
          <Elsewhere id="record-live">
            <div class="live-corner">
              <Requests session={live.session} />
              {live.chat && <ChatPanel chat={live.chat} />}
            </div>
          </Elsewhere>
        </>
      )}
    </>
  );
}

function checkJson(area: HTMLTextAreaElement) {
  const { json } = area.dataset;
  if (json === undefined) return;
  let problem = "";
  const text = area.value.trim();
  try {
    if (text !== "" && !(json === "list" && text.startsWith("{"))) JSON.parse(text);
  } catch (error) {
    problem = `This is not JSON: ${(error as Error).message}`;
  }
  area.setCustomValidity(problem);
  area.classList.toggle("is-invalid", problem !== "");
  let note = area.parentElement!.querySelector(".json-problem");
  if (!note) {
    note = document.createElement("div");
    note.className = "json-problem invalid-feedback d-block";
    note.setAttribute("aria-live", "polite");
    area.after(note);
  }
  note.textContent = problem;
}
