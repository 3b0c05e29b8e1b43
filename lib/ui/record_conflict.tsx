import { Table } from "./table.tsx";

/** A column whose values differ between two people who changed a record. */
export interface RecordConflictField {
  name: string;
  label: string;
  /** Before either of them changed it. Null is no value. */
  base: string | null;
  theirs: string | null;
  yours: string | null;
  /** What is chosen at first; absent where both changed it. */
  choice?: "yours" | "theirs";
}

/** The three values of each column, and the choice between the last two. To be put into a form. */
export function RecordConflictTable({ fields }: { fields: RecordConflictField[] }) {
  return (
    <Table
      class="conflict-table"
      label="Values that were changed at the same time"
      head={["Field", "Before", "Theirs", "Yours"]}
    >
      {fields.map((field, i) => (
        <tr class={field.choice === undefined ? "is-conflicting" : undefined}>
          <th scope="row">
            {field.label}
            {field.choice === undefined && <small class="d-block">Both changed it</small>}
            <input type="hidden" name={`v.${field.name}`} value={field.yours ?? ""} />
            {field.yours === null && <input type="hidden" name={`null.${field.name}`} value="on" />}
          </th>
          <td class="conflict-value">
            <Value text={field.base} />
          </td>
          {(["theirs", "yours"] as const).map((side) => (
            <td class="conflict-value">
              <input
                type="radio"
                class="form-check-input"
                id={`keep-${i}-${side}`}
                name={`keep.${field.name}`}
                value={side}
                required
                checked={field.choice === side}
              />{" "}
              <label for={`keep-${i}-${side}`}>
                <span class="visually-hidden">{`${field.label}, ${side}: `}</span>
                <Value text={field[side]} />
              </label>
            </td>
          ))}
        </tr>
      ))}
    </Table>
  );
}

function Value({ text }: { text: string | null }) {
  if (text === null) return <em class="no-value">No value</em>;
  if (text === "") return <em class="no-value">Empty</em>;
  return <span class="record-value">{text}</span>;
}
