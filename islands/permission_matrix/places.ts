/**
 * A place of the keyboard in the matrix. Rows -2 and -1 are the heads of groups and of columns, column
 * -1 is that of the models.
 */
export interface Place {
  row: number;
  column: number;
}

/** The corners of what is selected, both inside. */
export interface Selection {
  from: Place;
  to: Place;
}

const page = 10;

/** Where a key leads, or undefined when it leads nowhere. */
export function placeAfter(
  { row, column }: Place,
  key: string,
  size: { rows: number; columns: number },
): Place | undefined {
  const last = { row: size.rows - 1, column: size.columns - 1 };
  const inHead = row < 0;
  const step = row === -2 ? 2 : 1;
  const moves: Record<string, Place> = {
    ArrowUp: { row: row - 1, column },
    ArrowDown: { row: row + 1, column },
    ArrowLeft: { row, column: column - step },
    ArrowRight: { row, column: column + step },
    PageUp: { row: inHead ? row : Math.max(0, row - page), column },
    PageDown: { row: row + page, column },
    Home: { row, column: 0 },
    End: { row, column: last.column },
  };
  const next = moves[key];
  if (!next) return;
  const to = {
    row: Math.min(Math.max(next.row, -2), last.row),
    column: Math.min(Math.max(next.column, next.row < 0 ? 0 : -1), last.column),
  };
  // The head of a group is above both of its columns.
  return to.row === -2 ? { ...to, column: to.column - to.column % 2 } : to;
}

/** The columns that are selected in a row, if any. */
export function selectedIn(
  selection: Selection | null,
  row: number,
): { from: number; to: number } | undefined {
  if (!selection) return;
  const { from, to } = selection;
  if (row < Math.min(from.row, to.row) || row > Math.max(from.row, to.row)) return;
  return { from: Math.min(from.column, to.column), to: Math.max(from.column, to.column) };
}

/** Which rows to render of many: those around the window, and the one with the keyboard. */
export function rowsToRender(
  window: { top: number; height: number },
  rowHeight: number,
  rows: number,
  active: number,
): number[] {
  // In steps, so that scrolling a little renders nothing.
  const step = 8;
  const first = Math.floor(window.top / rowHeight / step) * step - step;
  const end = Math.ceil((window.top + window.height) / rowHeight / step) * step + step;
  const shown: number[] = [];
  for (let row = Math.max(0, first); row < Math.min(rows, end); row++) shown.push(row);
  if (active >= 0 && active < rows && !shown.includes(active)) shown.push(active);
  return shown.sort((a, b) => a - b);
}
