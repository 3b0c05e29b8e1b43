import type { ComponentChildren, VNode } from "preact";
import { EmptyState } from "./empty_state.tsx";
import type { ListState } from "./list_state.ts";
import { Pagination } from "./pagination.tsx";
import { Table, type TableProps } from "./table.tsx";

/** The places of a page's neighbours, as the lists in either order name them. */
export interface ListNeighbours {
  /** In lists that begin with the newest. */
  newer?: string;
  older?: string;
  /** In lists whose order can be chosen. */
  previous?: string;
  next?: string;
}

export interface ListTableProps extends Omit<TableProps, "class"> {
  list: ListState;
  page: ListNeighbours & { rows: unknown[] };
  /** What is shown instead where there are no rows. */
  empty: VNode;
}

/** A page of a list as a table, with links to its neighbours. */
export function ListTable({ list, page, empty, ...table }: ListTableProps) {
  if (page.rows.length === 0) return empty;
  return (
    <>
      <Table {...table} list={list} class={list.sort && "sort-table"} />
      <ListPages list={list} page={page} />
    </>
  );
}

/** Links to the neighbours of a page of a list. */
export function ListPages({ list, page }: { list: ListState; page: ListNeighbours }) {
  const link = (name: "after" | "before", place?: string) =>
    place === undefined ? undefined : list.at(name, place);
  if (list.sort === undefined) {
    return <Pagination newer={link("after", page.newer)} older={link("before", page.older)} />;
  }
  return (
    <Pagination
      newer={link("before", page.previous)}
      older={link("after", page.next)}
      words={{ newer: "Previous", older: "Next" }}
    />
  );
}

export interface EmptyListProps {
  list: Pick<ListState, "path" | "isFiltered">;
  icon: string;
  /** That nothing is there at all. */
  none: string;
  /** That nothing is there with these filters. */
  unmatched: string;
  /** What the link says that takes the filters away. */
  all: string;
  /** How an entry comes. */
  children: ComponentChildren;
}

/** Takes the place of a list without entries, or without any that match its filters. */
export function EmptyList({ list, icon, none, unmatched, all, children }: EmptyListProps) {
  return (
    <EmptyState
      icon={icon}
      title={list.isFiltered ? unmatched : none}
      action={list.isFiltered
        ? <a class="btn btn-outline-secondary" href={list.path}>{all}</a>
        : undefined}
    >
      {children}
    </EmptyState>
  );
}
