import { Icon } from "../../lib/ui/mod.ts";
import type { MatrixStore } from "./matrix_store.ts";
import { SelectAll } from "./SelectAll.tsx";
import { triOf } from "./visible_rows.ts";

export interface SchemaRowProps {
  store: MatrixStore;
  schema: string;
  /** Places of its models, folded or not. */
  models: number[];
  folded: boolean;
  row: number;
  /** The column with the keyboard, if it is in this row. */
  active?: number;
  onFold(): void;
}

/** The head of a schema's models, which folds them, and chooses all of them in a column. */
export function SchemaRow(props: SchemaRowProps) {
  const { store, schema, models, folded, row, active, onFold } = props;
  return (
    <tr class="matrix-schema" aria-rowindex={row + 3}>
      <th scope="rowgroup" class="matrix-name">
        <button
          type="button"
          aria-expanded={!folded}
          data-at={`${row},-1`}
          tabIndex={active === -1 ? 0 : -1}
          onClick={onFold}
        >
          <Icon name={folded ? "chevron-right" : "chevron-down"} /> {schema}
          <span class="section-count figures">{models.length}</span>
        </button>
      </th>
      {[...Array(store.columns).keys()].map((column) => (
        <td
          key={column}
          class={`matrix-cell${column % 2 === 0 ? " matrix-first" : ""}`}
        >
          <label>
            <SelectAll
              state={triOf(store, models, [column])}
              label={`${column % 2 === 0 ? "push" : "pull"} for ${
                store.groups[column >> 1].name
              } in ${schema}`}
              at={`${row},${column}`}
              tabIndex={active === column ? 0 : -1}
            />
          </label>
        </td>
      ))}
    </tr>
  );
}
