import { Icon } from "./icon.tsx";

export interface FilterChipsProps {
  /** Path of the list. */
  path: string;
  /** The filters in force: parameter and value as in the address, and both for people. */
  filters: { name: string; value: string; label: string; shown?: string }[];
}

/** The filters of a list, each with a link that takes it away. */
export function FilterChips({ path, filters }: FilterChipsProps) {
  if (filters.length === 0) return null;
  const without = (name: string) => {
    const rest = filters.filter((filter) => filter.name !== name);
    const query = new URLSearchParams(rest.map(({ name, value }) => [name, value]));
    return query.size > 0 ? `${path}?${query}` : path;
  };
  return (
    <ul class="chips" aria-label="Filters in force">
      {filters.map(({ name, label, value, shown = value }) => (
        <li>
          <a href={without(name)} aria-current="false">
            {label}: <strong>{shown}</strong> <Icon name="x-lg" label="Remove this filter" />
          </a>
        </li>
      ))}
      {filters.length > 1 && (
        <li>
          <a href={path} aria-current="false">Clear all</a>
        </li>
      )}
    </ul>
  );
}
