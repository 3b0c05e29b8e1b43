import { Icon } from "./icon.tsx";

export interface SortHeadProps {
  /** The field that the column shows. */
  name: string;
  label: string;
  /** What the list is sorted by, with `-` for descending. */
  sort: string;
  /** The address of the list in that order. */
  href: (sort: string) => string;
}

/** The head of a column by which a list can be sorted, either way. */
export function SortHead({ name, label, sort, href }: SortHeadProps) {
  const isSorted = sort.replace(/^-/, "") === name;
  const descending = sort.startsWith("-");
  return (
    <th aria-sort={isSorted ? descending ? "descending" : "ascending" : undefined}>
      <a href={href(isSorted && !descending ? `-${name}` : name)}>
        {label}
        {isSorted && <Icon name={descending ? "arrow-down" : "arrow-up"} />}
      </a>
    </th>
  );
}
