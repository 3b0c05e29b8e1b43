import { useEffect, useRef, useState } from "preact/hooks";

interface Choice {
  value: string;
  label: string;
  href: string;
}

export interface RecordPickerProps {
  /** Of the control that holds the key. */
  inputId: string;
  /** What is chosen from, for people. */
  model: string;
  /** Path of the list of all. */
  list?: string;
  /** Address of the choices; `q` is added. */
  options?: string;
  /** The record that is chosen. */
  label?: string;
  href?: string;
}

/** Names the record that a foreign key points to, and finds another one by a part of its name. */
export default function RecordPicker(props: RecordPickerProps) {
  const { inputId, model, list, options } = props;
  const [chosen, setChosen] = useState({ label: props.label, href: props.href });
  const [choices, setChoices] = useState<Choice[]>([]);
  const [active, setActive] = useState(-1);
  const [text, setText] = useState("");
  const [said, setSaid] = useState("");
  const asked = useRef(0);
  const listId = `${inputId}-choices`;

  useEffect(() => {
    const input = document.getElementById(inputId) as HTMLInputElement;
    const typed = (event: Event) => {
      if (!(event as CustomEvent).detail) setChosen({ label: undefined, href: undefined });
    };
    input.addEventListener("input", typed);
    return () => input.removeEventListener("input", typed);
  }, []);

  async function search(q: string) {
    setText(q);
    const turn = ++asked.current;
    if (q.trim() === "") return close();
    await new Promise((resolve) => setTimeout(resolve, 150));
    if (turn !== asked.current) return;
    try {
      const answer = await fetch(`${options}&q=${encodeURIComponent(q.trim())}`);
      const found: Choice[] = answer.ok ? await answer.json() : [];
      if (turn !== asked.current) return;
      setChoices(found);
      setActive(found.length > 0 ? 0 : -1);
      setSaid(
        !answer.ok
          ? "The search failed. Try again."
          : found.length === 0
          ? "Nothing found."
          : `${found.length} found.`,
      );
    } catch {
      setSaid("The server cannot be reached. Try again.");
    }
  }

  function close() {
    asked.current++;
    setChoices([]);
    setActive(-1);
    setSaid("");
  }

  function choose({ value, label, href }: Choice) {
    const input = document.getElementById(inputId) as HTMLInputElement;
    input.value = value;
    input.dispatchEvent(new CustomEvent("input", { bubbles: true, detail: "picked" }));
    setChosen({ label, href });
    setText("");
    close();
    setSaid(`${label} is chosen.`);
  }

  function move(event: KeyboardEvent) {
    if (event.key === "Escape") return close();
    if (choices.length === 0) return;
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) {
      setActive((active + steps[event.key] + choices.length) % choices.length);
    } else if (event.key === "Enter" && active >= 0) choose(choices[active]);
    else return;
    event.preventDefault();
  }

  return (
    <div class="record-picker">
      <p class="picked">
        {chosen.label !== undefined && (
          <>
            <a href={chosen.href}>{chosen.label}</a> {" · "}
          </>
        )}
        {list !== undefined && <a href={list}>{`All of ${model}`}</a>}
      </p>
      {options !== undefined && (
        <div class="picker-search needs-script">
          <input
            type="text"
            class="form-control form-control-sm"
            role="combobox"
            aria-label={`Search ${model} by name`}
            aria-expanded={choices.length > 0}
            aria-controls={listId}
            aria-autocomplete="list"
            aria-activedescendant={active >= 0 ? `${listId}-${active}` : undefined}
            placeholder="Search by name"
            autocomplete="off"
            value={text}
            onInput={(event) => search(event.currentTarget.value)}
            onKeyDown={move}
            onBlur={close}
          />
          <ul id={listId} role="listbox" aria-label={model} hidden={choices.length === 0}>
            {choices.map((choice, i) => (
              <li
                key={choice.value}
                id={`${listId}-${i}`}
                role="option"
                aria-selected={i === active}
                onMouseDown={(event) => {
                  event.preventDefault();
                  choose(choice);
                }}
              >
                {choice.label} <small>{choice.value}</small>
              </li>
            ))}
          </ul>
          <span class="form-text" aria-live="polite">{said}</span>
        </div>
      )}
    </div>
  );
}
