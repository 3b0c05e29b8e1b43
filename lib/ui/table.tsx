import type { ComponentChildren } from "preact";
import type { ListState } from "./list_state.ts";
import { SortHead } from "./sort_head.tsx";

/** The head of a column; of a plain one, the words alone. */
export type TableHead = string | {
  words: ComponentChildren;
  /** The column holds numbers. */
  number?: boolean;
  /** Only screen readers need the words. */
  hidden?: boolean;
  /** The field by which the column sorts the list. */
  sort?: string;
};

export interface TableProps {
  /** What the table holds, for screen readers. */
  label: string;
  head: (TableHead | false | undefined)[];
  /** Whose order the heads change; needed where one of them sorts. */
  list?: ListState;
  /** How it looks besides. */
  class?: string;
  /** Its rows. */
  children: ComponentChildren;
}

/** A table that scrolls sideways where it is wider than the page. */
export function Table({ label, head, list, class: look, children }: TableProps) {
  return (
    <div class="table-responsive" tabIndex={0} role="region" aria-label={label}>
      <table class={look ? `table ${look}` : "table"}>
        <thead>
          <tr>{head.map((one, i) => one && <Head key={i} head={one} list={list} />)}</tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

function Head({ head, list }: { head: TableHead; list?: ListState }) {
  if (typeof head === "string") return <th>{head}</th>;
  const { words, number, hidden, sort } = head;
  const look = number ? "text-end" : undefined;
  if (sort && list) return <SortHead list={list} name={sort} look={look}>{words}</SortHead>;
  return <th class={look}>{hidden ? <span class="visually-hidden">{words}</span> : words}</th>;
}
