import { Table } from "./table.tsx";

export interface TextTableProps {
  label: string;
  columns: string[];
  /** The texts of each row; null is no value. */
  rows: (string | null)[][];
  /** How it looks besides. */
  class?: string;
}

/** Rows of any table, as texts that are cut to fit. */
export function TextTable({ label, columns, rows, class: look }: TextTableProps) {
  return (
    <Table class={look} label={label} head={columns}>
      {rows.map((cells, i) => (
        <tr key={i}>
          {cells.map((text, column) => (
            <td key={column} class="cell-short" title={text ?? undefined}>
              {text ?? <span class="no-value">no value</span>}
            </td>
          ))}
        </tr>
      ))}
    </Table>
  );
}
