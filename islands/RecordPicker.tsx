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

/** Between the last change of a key and the question whose it is, in milliseconds. */
const pause = 150;

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
    let timer: ReturnType<typeof setTimeout> | undefined;
    const changed = (event: Event) => {
      clearTimeout(timer);
      if ((event as CustomEvent).detail) return;
      setChosen({ label: undefined, href: undefined });
      if (options === undefined || input.value === "") return;
      timer = setTimeout(async () => {
        const found = await named(`${options}&value=${encodeURIComponent(input.value)}`);
        if (found && found.value === input.value) setChosen(found);
      }, pause);
    };
    input.addEventListener("input", changed);
    return () => {
      clearTimeout(timer);
      input.removeEventListener("input", changed);
    };
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

/** The one choice of an address, if there is one and it can be asked. */
async function named(address: string): Promise<Choice | undefined> {
  try {
    const answer = await fetch(address);
    return answer.ok && !answer.redirected ? (await answer.json())[0] : undefined;
  } catch {
    return undefined;
  }
}
