import { useRef } from "preact/hooks";
import { SuggestionList } from "./suggestions/SuggestionList.tsx";
import { useSuggestions } from "./suggestions/use_suggestions.ts";

export interface OrganizationInputProps {
  id: string;
  name: string;
  /** The slug of the chosen one. */
  chosen?: string;
  placeholder: string;
  class?: string;
  required?: boolean;
  /** Its form is sent as soon as one is chosen. */
  submits?: boolean;
  "aria-label"?: string;
  "aria-describedby"?: string;
  "aria-invalid"?: "true";
}

interface Choice {
  /** The slug. */
  value: string;
  label: string;
}

/** Takes the slug of an organization, and finds it by a part of its name. */
export default function OrganizationInput(
  { chosen, submits, class: classes = "", ...attributes }: OrganizationInputProps,
) {
  const input = useRef<HTMLInputElement>(null);
  const listId = `${attributes.id}-choices`;
  const { found, active, said, search, close, combobox } = useSuggestions<Choice>({
    address: (q) => `/admin/organizations/choices?${new URLSearchParams({ q })}`,
    choose,
  });

  function choose({ value }: Choice) {
    input.current!.value = value;
    close();
    if (submits) input.current!.form!.requestSubmit();
  }

  return (
    <div class="organization-input">
      <input
        {...attributes}
        {...combobox(listId)}
        ref={input}
        type="search"
        class={`form-control ${classes}`}
        defaultValue={chosen}
        onInput={(event) => search(event.currentTarget.value)}
      />
      <SuggestionList
        id={listId}
        label="Organizations"
        found={found}
        active={active}
        choose={choose}
      >
        {({ value, label }) => (
          <>
            <span>{label}</span> <small>{value}</small>
          </>
        )}
      </SuggestionList>
      <span class="visually-hidden" aria-live="polite">{said}</span>
    </div>
  );
}
