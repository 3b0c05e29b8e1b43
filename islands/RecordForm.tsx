import { useEffect, useRef, useState } from "preact/hooks";

/**
 * Says in a record's form how many fields were changed and marks them, checks JSON while it is typed,
 * and asks before unsaved input is left. `counts` is off where nothing is stored yet.
 */
export default function RecordForm({ counts }: { counts: boolean }) {
  const place = useRef<HTMLSpanElement>(null);
  const [changed, setChanged] = useState<number>();

  useEffect(() => {
    const form = place.current!.closest("form")!;
    const stored = form.querySelector<HTMLInputElement>("[name=base]");
    const base: Record<string, string | null> = JSON.parse(stored?.value ?? "{}");
    let touched = false;
    let sent = false;
    const look = () => {
      const fields = [...form.querySelectorAll<HTMLElement>(".record-field")];
      const differing = fields.filter((field) => {
        const was = base[field.dataset.name!];
        const isChanged = was !== undefined && differs(field, was);
        field.classList.toggle("is-changed", isChanged);
        if (isChanged) field.title = wasText(was);
        else field.removeAttribute("title");
        return isChanged;
      });
      if (counts) setChanged(differing.length);
      touched = !counts || differing.length > 0;
    };
    const typed = (event: Event) => {
      if (event.target instanceof HTMLTextAreaElement) checkJson(event.target);
      look();
    };
    const send = () => sent = true;
    const leave = (event: BeforeUnloadEvent) => {
      if (touched && !sent) event.preventDefault();
    };
    if (counts) look();
    form.addEventListener("input", typed);
    form.addEventListener("submit", send);
    addEventListener("beforeunload", leave);
    return () => {
      form.removeEventListener("input", typed);
      form.removeEventListener("submit", send);
      removeEventListener("beforeunload", leave);
    };
  }, []);

  const words = changed === undefined
    ? ""
    : changed === 0
    ? "Nothing is changed yet"
    : changed === 1
    ? "1 field changed"
    : `${changed} fields changed`;
  return <span ref={place} class="changed-count needs-script" aria-live="polite">{words}</span>;
}

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

function differs(field: HTMLElement, was: string | null): boolean {
  const control = field.querySelector<Control>("[name^='v.']");
  if (!control) return false;
  const isNull = field.querySelector<HTMLInputElement>("[name^='null.']");
  if (control.value !== (was ?? "").replaceAll("\r\n", "\n")) return true;
  return isNull !== null && control.value === "" && isNull.checked !== (was === null);
}

function wasText(was: string | null): string {
  return was === null ? "There was no value" : `Was: ${was.slice(0, 300)}`;
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
