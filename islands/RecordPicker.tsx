import { useEffect, useState } from "preact/hooks";
import { SuggestionList } from "./suggestions/SuggestionList.tsx";
import { useSuggestions } from "./suggestions/use_suggestions.ts";

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
  const [text, setText] = useState("");
  const { found, active, said, say, search, close, combobox } = useSuggestions<Choice>({
    address: (q) => `${options}&q=${encodeURIComponent(q)}`,
    choose,
  });
  const listId = `${inputId}-choices`;

  useEffect(() => {
    const input = document.getElementById(inputId) as HTMLInputElement;
    const typed = (event: Event) => {
      if (!(event as CustomEvent).detail) setChosen({ label: undefined, href: undefined });
    };
    input.addEventListener("input", typed);
    return () => input.removeEventListener("input", typed);
  }, []);

  function choose({ value, label, href }: Choice) {
    const input = document.getElementById(inputId) as HTMLInputElement;
    input.value = value;
    input.dispatchEvent(new CustomEvent("input", { bubbles: true, detail: "picked" }));
    setChosen({ label, href });
    setText("");
    close();
    say(`${label} is chosen.`);
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
            {...combobox(listId)}
            type="text"
            class="form-control form-control-sm"
            aria-label={`Search ${model} by name`}
            placeholder="Search by name"
            value={text}
            onInput={(event) => {
              setText(event.currentTarget.value);
              search(event.currentTarget.value);
            }}
          />
          <SuggestionList id={listId} label={model} found={found} active={active} choose={choose}>
            {({ value, label }) => (
              <>
                {label} <small>{value}</small>
              </>
            )}
          </SuggestionList>
          <span class="form-text" aria-live="polite">{said}</span>
        </div>
      )}
    </div>
  );
}
