import { useMemo } from "preact/hooks";
import { Icon } from "../../lib/ui/mod.ts";
import type { MatrixStore, Right } from "./matrix_store.ts";
import { SelectAll } from "./SelectAll.tsx";
import { schemaOf, triOf } from "./visible_rows.ts";

export interface MatrixRowProps {
  store: MatrixStore;
  /** Slug of the organization. */
  organization: string;
  model: number;
  /** Place among the rows. */
  row: number;
  /** `store.stamp(model)`. */
  stamp: number;
  /** The column with the keyboard, if it is in this row. */
  active?: number;
  selected?: { from: number; to: number };
}

/** Where the filters of a right are. */
export function filtersHref(organization: string, store: MatrixStore, right: Right): string {
  return `/admin/filters?${new URLSearchParams({
    organization,
    group_id: String(store.groups[store.columnOf(right) >> 1].id),
    model: store.models[store.modelOf(right)].name,
  })}`;
}

/** The rights on one model. */
export function MatrixRow(props: MatrixRowProps) {
  const { store, organization, model, row, stamp, active, selected } = props;
  return useMemo(
    () => {
      const { name, shared } = store.models[model];
      const columns = [...Array(store.columns).keys()];
      return (
        <tr aria-rowindex={row + 3}>
          <th scope="row" class="matrix-name" title={name}>
            <label>
              <SelectAll
                state={triOf(store, [model], columns)}
                label={`groups for ${name}`}
                at={`${row},-1`}
                tabIndex={active === -1 ? 0 : -1}
              />
              <span class="matrix-model">{name.slice(schemaOf(name).length + 1)}</span>
              {shared && <span class="matrix-note">shared</span>}
            </label>
          </th>
          {columns.map((column) => (
            <Cell
              key={column}
              store={store}
              organization={organization}
              right={store.right(model, column)}
              at={`${row},${column}`}
              isActive={active === column}
              isSelected={selected !== undefined && column >= selected.from &&
                column <= selected.to}
            />
          ))}
        </tr>
      );
    },
    [store, organization, model, row, stamp, active, selected?.from, selected?.to],
  );
}

interface CellProps {
  store: MatrixStore;
  organization: string;
  right: Right;
  at: string;
  isActive: boolean;
  isSelected: boolean;
}

function Cell({ store, organization, right, at, isActive, isSelected }: CellProps) {
  const granted = store.granted(right);
  const filtered = granted && store.filtered(right);
  const pending = store.pending(right);
  const possible = store.possible(right);
  const changedBy = store.changedBy(right);
  const name = store.nameOf(right);
  const state = [
    !possible
      ? "shared and not marked writable, so nobody can push it"
      : filtered
      ? "granted with a filter"
      : granted
      ? "granted"
      : "not granted",
    pending?.failure && `NOT SAVED. ${pending.failure}`,
    pending?.failure === "" && "saving",
    changedBy && `changed by ${changedBy}`,
  ].filter(Boolean).join(", ");
  const classes = [
    "matrix-cell",
    right % 2 === 0 && "matrix-first",
    filtered && "is-filtered",
    !possible && "is-impossible",
    pending && (pending.failure ? "is-failed" : "is-saving"),
    changedBy && !pending && "is-changed",
    isSelected && "is-selected",
  ].filter(Boolean).join(" ");
  const tabIndex = isActive ? 0 : -1;
  return (
    <td class={classes} title={`${name}: ${state}`}>
      <label>
        <input
          type="checkbox"
          class="form-check-input"
          checked={granted}
          aria-label={filtered ? `${name}, with a filter` : name}
          aria-disabled={possible ? undefined : "true"}
          aria-invalid={pending?.failure ? "true" : undefined}
          data-at={at}
          data-right={right}
          tabIndex={tabIndex}
        />
      </label>
      {filtered && (
        <a
          class="matrix-funnel"
          href={filtersHref(organization, store, right)}
          aria-label={`Filters of ${name}`}
          title={`Filters of ${name} (F)`}
          tabIndex={-1}
        >
          <Icon name="funnel-fill" />
        </a>
      )}
      {pending?.failure && <Icon name="exclamation-triangle-fill" />}
    </td>
  );
}
