import { useRef, useState } from "preact/hooks";
import { Alert, Icon } from "../../lib/ui/mod.ts";
import { useKeptFocus } from "./kept_focus.ts";
import type { RecordSession } from "./record_session.ts";

/** What has just happened, and input that is kept for the person. */
export function Notices({ session }: { session: RecordSession }) {
  const notice = session.notice.value;
  const kept = session.kept.value;
  return (
    <>
      {notice && (
        <Alert key={notice.text} kind={notice.kind} title={notice.title}>{notice.text}</Alert>
      )}
      {kept && <Kept session={session} />}
    </>
  );
}

function Kept({ session }: { session: RecordSession }) {
  const { why, fields } = session.kept.value!;
  const [copied, setCopied] = useState("");
  const text = fields.map(({ label, text }) => `${label}: ${text ?? ""}`).join("\n");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied("Copied.");
    } catch {
      setCopied("The browser does not allow it. Select the text and copy it.");
    }
  };
  return (
    <section class="kept-input" aria-label="Your unsaved input">
      <h2>Your unsaved input is kept here</h2>
      <p>{why} Nothing of this is saved.</p>
      <dl>
        {fields.map(({ name, label, text }) => (
          <div key={name}>
            <dt>{label}</dt>
            <dd class="record-value" dir="auto">
              {text === null ? <em class="no-value">No value</em> : text || <em>Empty</em>}
            </dd>
          </div>
        ))}
      </dl>
      <div class="kept-actions">
        {session.isEditor() && (
          <button
            type="button"
            class="btn btn-primary btn-sm"
            onClick={() => session.restoreKept()}
          >
            Put it back into the form
          </button>
        )}
        <button type="button" class="btn btn-outline-secondary btn-sm" onClick={copy}>
          <Icon name="clipboard" /> Copy
        </button>
        <button
          type="button"
          class="btn btn-outline-danger btn-sm"
          onClick={() => session.kept.value = null}
        >
          Discard it
        </button>
        <span aria-live="polite">{copied}</span>
      </div>
    </section>
  );
}

/** Those who ask for the lock, with the answers to give. */
export function Requests({ session }: { session: RecordSession }) {
  const requests = session.attention.open.value;
  const changed = session.changed.value;
  const asks = (name: string) => session.page.texts.notification.replaceAll("{username}", name);
  const list = useRef<HTMLDivElement>(null);
  useKeptFocus(
    list,
    () =>
      list.current?.querySelector("button") ?? document.querySelector<HTMLElement>(".lock-state"),
  );
  return (
    <div role="log" aria-label="Requests to hand over" ref={list}>
      {requests.map((request) => (
        <div class="request-toast" key={request.userId}>
          <p>
            <Icon name="bell" /> {asks(request.name)}
          </p>
          {request.message && <blockquote>{request.message}</blockquote>}
          <div class="request-actions">
            <button
              type="button"
              class="btn btn-primary btn-sm"
              disabled={session.saving.value}
              onClick={() => session.handOver(request, "saved")}
            >
              {changed > 0 ? "Save and hand over" : "Hand over"}
            </button>
            {changed > 0 && (
              <button
                type="button"
                class="btn btn-outline-secondary btn-sm"
                onClick={() => session.handOver(request, "draft")}
              >
                Hand over unsaved
              </button>
            )}
            <button
              type="button"
              class="btn btn-outline-secondary btn-sm"
              onClick={() => session.attention.decline(request)}
            >
              Not yet
            </button>
          </div>
        </div>
      ))}
    </div>
  );
}
