import type { ComponentChildren } from "preact";
import { Icon } from "./icon.tsx";
import type { ListState } from "./list_state.ts";

export interface SortHeadProps {
  list: ListState;
  /** The field that the column shows. */
  name: string;
  /** Classes. */
  look?: string;
  /** What the column is called. */
  children: ComponentChildren;
}

/** The head of a column by which a list can be sorted, either way. */
export function SortHead({ list: { sort = "", at }, name, look, children }: SortHeadProps) {
  const isSorted = sort.replace(/^-/, "") === name;
  const descending = sort.startsWith("-");
  return (
    <th class={look} aria-sort={isSorted ? descending ? "descending" : "ascending" : undefined}>
      <a href={at("sort", isSorted && !descending ? `-${name}` : name)}>
        {children}
        {isSorted && <Icon name={descending ? "arrow-down" : "arrow-up"} />}
      </a>
    </th>
  );
}
