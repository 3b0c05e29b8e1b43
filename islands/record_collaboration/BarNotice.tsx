import { useEffect, useState } from "preact/hooks";
import { Icon } from "../../lib/ui/mod.ts";
import type { RecordSession } from "./record_session.ts";

/** What the top of the page says, once more in the bar while the top is out of sight. */
export function BarNotice({ session }: { session: RecordSession }) {
  const notice = session.notice.value;
  const kept = session.kept.value;
  const hidden = useOutOfSight("record-notices");
  const said = notice ? notice.title ?? notice.text : kept && "Your unsaved input is kept.";
  if (!hidden || !said) return null;
  const marked = session.fields.marked;
  const go = () => {
    const target = marked ?? document.getElementById("record-notices")!;
    target.scrollIntoView({ block: "center" });
    const control = target.querySelector<HTMLElement>(".is-invalid, input, select, textarea");
    if (marked && control) return control.focus();
    target.tabIndex = -1;
    target.focus();
  };
  // Not read out: the notice itself is.
  return (
    <div class={`bar-notice is-${notice?.kind ?? "warning"}`}>
      <span class="bar-notice-text">{said}</span>
      <button type="button" class="btn btn-link btn-sm" onClick={go}>
        <Icon name="arrow-up" /> {marked ? "Go to the field" : "Read it"}
      </button>
    </div>
  );
}

/** Whether an element of the page is scrolled out of sight. */
function useOutOfSight(id: string): boolean {
  const [hidden, setHidden] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver(([{ isIntersecting }]) => setHidden(!isIntersecting));
    observer.observe(document.getElementById(id)!);
    return () => observer.disconnect();
  }, []);
  return hidden;
}
