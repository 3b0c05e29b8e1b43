import type { ComponentChildren } from "preact";

export interface SuggestionListProps<T> {
  id: string;
  label: string;
  found: T[];
  active: number;
  choose: (one: T) => void;
  children: (one: T) => ComponentChildren;
}

/** The suggestions under a combobox. */
export function SuggestionList<T>(
  { id, label, found, active, choose, children }: SuggestionListProps<T>,
) {
  return (
    <ul id={id} class="suggestions" role="listbox" aria-label={label} hidden={found.length === 0}>
      {found.map((one, i) => (
        <li
          key={`${id}-${i}`}
          id={`${id}-${i}`}
          role="option"
          aria-selected={i === active}
          onMouseDown={(event) => {
            // The input keeps the focus.
            event.preventDefault();
            choose(one);
          }}
        >
          {children(one)}
        </li>
      ))}
    </ul>
  );
}
