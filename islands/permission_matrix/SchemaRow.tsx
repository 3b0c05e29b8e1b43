import { Icon } from "../../lib/ui/mod.ts";

export interface SchemaRowProps {
  schema: string;
  models: number;
  folded: boolean;
  row: number;
  columns: number;
  isActive: boolean;
  onFold(): void;
}

/** The head of a schema's models, which folds them. */
export function SchemaRow(props: SchemaRowProps) {
  const { schema, models, folded, row, columns, isActive, onFold } = props;
  return (
    <tr class="matrix-schema" aria-rowindex={row + 3}>
      <th scope="rowgroup" class="matrix-name">
        <button
          type="button"
          aria-expanded={!folded}
          data-at={`${row},-1`}
          tabIndex={isActive ? 0 : -1}
          onClick={onFold}
        >
          <Icon name={folded ? "chevron-right" : "chevron-down"} /> {schema}
          <span class="section-count figures">{models}</span>
        </button>
      </th>
      <td colSpan={columns} />
    </tr>
  );
}
