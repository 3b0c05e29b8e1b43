import { Icon } from "./icon.tsx";
import type { ListState } from "./list_state.ts";

export interface FilterChipsProps {
  list: Pick<ListState, "without">;
  /** The filters in force: the parameter, what it filters by, and its value for people. */
  filters: { name: string; label: string; shown: string }[];
}

/** The filters of a list, each with a link that takes it away. */
export function FilterChips({ list, filters }: FilterChipsProps) {
  if (filters.length === 0) return null;
  return (
    <ul class="chips" aria-label="Filters in force">
      {filters.map(({ name, label, shown }) => (
        <li key={name}>
          <a href={list.without(name)} aria-current="false">
            {label}: <strong>{shown}</strong> <Icon name="x-lg" label="Remove this filter" />
          </a>
        </li>
      ))}
      {filters.length > 1 && (
        <li>
          <a href={list.without(...filters.map(({ name }) => name))} aria-current="false">
            Clear all
          </a>
        </li>
      )}
    </ul>
  );
}
