import { useSignalEffect } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Icon } from "../lib/ui/mod.ts";
import type { Matrix } from "./permission_matrix/admin_api.ts";
import { MatrixFeed } from "./permission_matrix/matrix_feed.ts";
import { MatrixHead } from "./permission_matrix/MatrixHead.tsx";
import { filtersHref, MatrixRow } from "./permission_matrix/MatrixRow.tsx";
import { MatrixSaver } from "./permission_matrix/matrix_saver.ts";
import { type Change, MatrixStore } from "./permission_matrix/matrix_store.ts";
import {
  type Place,
  placeAfter,
  rowsToRender,
  selectedIn,
  type Selection,
} from "./permission_matrix/places.ts";
import { RemovalDialog } from "./permission_matrix/RemovalDialog.tsx";
import { SchemaRow } from "./permission_matrix/SchemaRow.tsx";
import { newsWords, StatusLine } from "./permission_matrix/StatusLine.tsx";
import { TemplateMenu } from "./permission_matrix/TemplateMenu.tsx";
import { byTemplate, toggled, visibleRows } from "./permission_matrix/visible_rows.ts";

export interface PermissionMatrixProps {
  matrix: Matrix;
  /** Slug of the organization whose it is. */
  organization: string;
  /** When it was read, in milliseconds since 1970. */
  readAt: number;
}

const rowHeight = 40;
/** Rows of the first page, before the window's height is known. */
const firstRows = { top: 0, height: 16 * rowHeight };
/** Milliseconds between questions for what others changed. */
const followEvery = 3000;

/** What every group may push and pull of every model; each change is saved at once. */
export default function PermissionMatrix(
  { matrix, organization, readAt }: PermissionMatrixProps,
) {
  const [{ store, feed, saver }] = useState(() => {
    const store = new MatrixStore(matrix);
    const feed = new MatrixFeed(store, readAt);
    return { store, feed, saver: new MatrixSaver(store, () => feed.refresh()) };
  });
  const revision = store.revision.value;
  const [search, setSearch] = useState("");
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const [view, setView] = useState(firstRows);
  const [place, setPlace] = useState<Place>({ row: 1, column: 0 });
  const [selection, setSelection] = useState<Selection | null>(null);
  const [menu, setMenu] = useState<{ group: number; button: HTMLElement } | null>(null);
  const table = useRef<HTMLTableElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const wantsFocus = useRef(false);

  const { rows, models } = useMemo(() => visibleRows(store, search, folded), [search, folded]);
  const active = { ...place, row: Math.min(place.row, rows.length - 1) };

  useLayoutEffect(() => {
    if (!wantsFocus.current) return;
    wantsFocus.current = false;
    boxAt(active)?.focus();
  });

  useEffect(() => {
    const box = scroller.current!;
    const measure = () => setView({ top: box.scrollTop, height: box.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(box);
    return () => observer.disconnect();
  }, []);

  useEffect(() => follow(() => saver.exclusively(() => feed.refresh())), []);

  useEffect(() => {
    const leaving = (event: Event) => {
      if (store.allPending().size > 0) event.preventDefault();
    };
    const undo = (event: KeyboardEvent) => {
      const writing = event.target instanceof HTMLInputElement && event.target.type === "search";
      const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey &&
        event.key.toLowerCase() === "z";
      if (!isUndo || writing || saver.question.peek()) return;
      event.preventDefault();
      saver.undo();
    };
    addEventListener("beforeunload", leaving);
    addEventListener("keydown", undo);
    return () => {
      removeEventListener("beforeunload", leaving);
      removeEventListener("keydown", undo);
    };
  }, []);

  useSignalEffect(() => {
    const news = feed.news.value;
    if (news) saver.announcement.value = newsWords(store, news);
  });

  function boxAt({ row, column }: Place): HTMLElement | null {
    return table.current!.querySelector<HTMLElement>(`[data-at="${row},${column}"]`) ??
      table.current!.querySelector<HTMLElement>(`[data-at="${row},-1"]`);
  }

  function onKeyDown(event: KeyboardEvent) {
    const at = placeOf(event.target);
    if (!at || event.altKey || event.metaKey) return;
    if (event.key === "Escape") return setSelection(null);
    if (event.key === "f" && !event.ctrlKey && !event.shiftKey && isCell(at)) {
      const { model } = rows[at.row] as { model: number };
      return location.assign(filtersHref(organization, store, store.right(model, at.column)));
    }
    const next = event.ctrlKey
      ? edgeAfter(at, event.key, rows.length, store.columns)
      : placeAfter(at, event.key, { rows: rows.length, columns: store.columns });
    if (!next) return;
    event.preventDefault();
    go(next, event.shiftKey ? at : undefined);
  }

  /** Moves the keyboard; with `from`, what is between is selected. */
  function go(to: Place, from?: Place) {
    const start = selection?.from ?? from;
    const inside = (at: Place) => at.row >= 0 && at.column >= 0;
    if (!from || !start || !inside(start)) setSelection(null);
    else {
      if (!inside(to)) return;
      setSelection({ from: start, to });
    }
    wantsFocus.current = true;
    setPlace(to);
  }

  function onMouseDown(event: MouseEvent) {
    const box = (event.target as Element).closest("td, th")?.querySelector("[data-at]");
    const at = placeOf(box ?? null);
    if (!at || event.button !== 0 || (event.target as Element).closest("a, button")) return;
    if (event.shiftKey && at.row >= 0 && at.column >= 0) {
      // Else the browser would select text.
      event.preventDefault();
      return go(at, active);
    }
    setSelection(null);
    setPlace(at);
  }

  function onClick(event: MouseEvent) {
    const box = event.target as Element;
    if (box instanceof HTMLInputElement && box.ariaDisabled === "true") event.preventDefault();
  }

  function onChange(event: Event) {
    const box = event.target as HTMLInputElement;
    const at = placeOf(box);
    if (!at) return;
    saver.change(changesOf(at, box.checked));
    store.publish();
  }

  function changesOf({ row, column }: Place, value: boolean): Change[] {
    const all = [...Array(store.columns).keys()];
    if (row === -2) return toggled(store, models, [column, column + 1]);
    if (row === -1) return toggled(store, models, [column]);
    const line = rows[row];
    if (!("model" in line)) return toggled(store, line.models, [column]);
    if (column === -1) return toggled(store, [line.model], all);
    const selected = selectedIn(selection, row);
    if (!selected || column < selected.from || column > selected.to) {
      return [{ right: store.right(line.model, column), value }];
    }
    return rows.flatMap((other, at) => {
      if (!("model" in other) || !selectedIn(selection, at)) return [];
      return all.slice(selected.from, selected.to + 1)
        .map((each) => ({ right: store.right(other.model, each), value }));
    });
  }

  function isModel(row: number): boolean {
    return row >= 0 && "model" in rows[row];
  }

  function isCell({ row, column }: Place): boolean {
    return isModel(row) && column >= 0;
  }

  function fold(schema: string) {
    const next = new Set(folded);
    if (!next.delete(schema)) next.add(schema);
    setFolded(next);
    setSelection(null);
  }

  const shown = rowsToRender(view, rowHeight, rows.length, active.row);
  const undoable = saver.undoable.value;
  const question = saver.question.value;
  const selectedRights = useMemo(
    () => selection ? changesOf(selection.to, true).length : 0,
    [selection, revision],
  );
  return (
    <div class="matrix needs-script">
      <div class="matrix-tools">
        <input
          type="search"
          class="form-control"
          placeholder="Search models"
          aria-label="Search models"
          value={search}
          onInput={(event) => {
            setSearch(event.currentTarget.value);
            setSelection(null);
            scroller.current!.scrollTop = 0;
          }}
        />
        <ul class="matrix-legend">
          <li>
            <span class="matrix-sample is-granted" /> Granted
          </li>
          <li>
            <span class="matrix-sample is-filtered" /> <Icon name="funnel-fill" />{" "}
            Granted with a filter
          </li>
          <li>
            <span class="matrix-sample" /> Not granted
          </li>
        </ul>
        <button
          type="button"
          class="btn btn-outline-secondary"
          disabled={undoable === ""}
          title={undoable ? `Undo: ${undoable} (Ctrl-Z)` : "Nothing to undo"}
          onClick={() => saver.undo()}
        >
          <Icon name="arrow-counterclockwise" /> Undo
        </button>
      </div>
      {feed.outdated.value && (
        <div class="alert alert-primary d-flex gap-2 align-items-center py-2 px-3" role="status">
          <Icon name="info-circle" /> Models or groups have changed since this page was opened.
          <a href="" class="btn btn-sm btn-outline-secondary">Show them</a>
        </div>
      )}
      <div
        class="matrix-scroll"
        ref={scroller}
        onScroll={(event) => {
          const { scrollTop: top, clientHeight: height } = event.currentTarget;
          setView((old) => Math.abs(old.top - top) < 2 * rowHeight ? old : { top, height });
        }}
      >
        <table
          class="matrix-table"
          ref={table}
          aria-label="Permissions"
          aria-rowcount={rows.length + 2}
          onKeyDown={onKeyDown}
          onMouseDown={onMouseDown}
          onClick={onClick}
          onChange={onChange}
        >
          <colgroup>
            <col class="matrix-name-column" />
            <col class="matrix-column" span={store.columns} />
          </colgroup>
          <MatrixHead
            store={store}
            models={models}
            active={active}
            onTemplates={(group, button) => setMenu({ group, button })}
          />
          <tbody>
            {shown.flatMap((row, i) => {
              const line = rows[row];
              const gap = row - (shown[i - 1] ?? -1) - 1;
              return [
                gap > 0 && <Gap key={`before ${row}`} rows={gap} />,
                "model" in line
                  ? (
                    <MatrixRow
                      key={line.model}
                      store={store}
                      organization={organization}
                      model={line.model}
                      row={row}
                      stamp={store.stamp(line.model)}
                      active={active.row === row ? active.column : undefined}
                      selected={selectedIn(selection, row)}
                    />
                  )
                  : (
                    <SchemaRow
                      key={line.schema}
                      {...line}
                      store={store}
                      row={row}
                      active={active.row === row ? active.column : undefined}
                      onFold={() => fold(line.schema)}
                    />
                  ),
              ];
            })}
            {rows.length > 0 && <Gap key="after" rows={rows.length - shown.at(-1)! - 1} />}
          </tbody>
        </table>
        {rows.length === 0 && (
          <p class="matrix-nothing">
            No model's name contains "{search.trim()}".
            <button
              type="button"
              class="btn btn-outline-secondary btn-sm"
              onClick={() => setSearch("")}
            >
              Show all models
            </button>
          </p>
        )}
      </div>
      {selectedRights > 1 && (
        <p class="matrix-selected" role="status">
          {selectedRights} cells selected. Space sets them all, Escape lets them go.
        </p>
      )}
      <StatusLine store={store} saver={saver} feed={feed} />
      <div class="visually-hidden" role="status">{saver.announcement.value}</div>
      {menu && (
        <TemplateMenu
          key={menu.group}
          group={store.groups[menu.group].name}
          models={models.length}
          isSearch={models.length < store.models.length}
          button={menu.button}
          onChoose={(template) => saver.change(byTemplate(store, models, menu.group, template))}
          onClose={() => setMenu(null)}
        />
      )}
      {question && <RemovalDialog question={question} />}
    </div>
  );
}

/** Takes the place of rows that are not rendered. */
function Gap({ rows }: { rows: number }) {
  return rows > 0
    ? (
      <tr aria-hidden="true">
        <td class="matrix-gap" height={rows * rowHeight} />
      </tr>
    )
    : null;
}

function placeOf(target: EventTarget | null): Place | undefined {
  const at = (target as HTMLElement | null)?.dataset?.at;
  if (at === undefined) return;
  const [row, column] = at.split(",").map(Number);
  return { row, column };
}

/** Where Ctrl with a key leads: to the first or last row or column. */
function edgeAfter(
  { row, column }: Place,
  key: string,
  rows: number,
  columns: number,
): Place | undefined {
  const edges: Record<string, Place> = {
    ArrowUp: { row: 0, column },
    ArrowDown: { row: rows - 1, column },
    ArrowLeft: { row, column: 0 },
    ArrowRight: { row, column: columns - 1 },
    Home: { row: 0, column: 0 },
    End: { row: rows - 1, column: columns - 1 },
  };
  return edges[key];
}

/** Calls `refresh` time and again while the page is looked at; returns the way to stop. */
function follow(refresh: () => Promise<void>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  const next = async () => {
    clearTimeout(timer);
    if (document.visibilityState === "visible") await refresh();
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(next, followEvery);
  };
  document.addEventListener("visibilitychange", next);
  next();
  return () => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", next);
  };
}
