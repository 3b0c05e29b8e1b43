import { Icon } from "../../lib/ui/mod.ts";
import type { MatrixStore } from "./matrix_store.ts";
import type { Place } from "./places.ts";
import { SelectAll } from "./SelectAll.tsx";
import { triOf } from "./visible_rows.ts";

export interface MatrixHeadProps {
  store: MatrixStore;
  /** Places of the models that "all" means. */
  models: number[];
  active: Place;
  onTemplates(group: number, button: HTMLElement): void;
}

/** Groups, and below each of them push and pull, with what chooses all of a group or column. */
export function MatrixHead({ store, models, active, onTemplates }: MatrixHeadProps) {
  const tabIndex = (row: number, column: number) =>
    active.row === row && active.column === column ? 0 : -1;
  return (
    <thead>
      <tr class="matrix-groups">
        <th scope="col" rowSpan={2} class="matrix-name">Model</th>
        {store.groups.map(({ id, name, members }, group) => {
          const columns = [group * 2, group * 2 + 1];
          return (
            <th key={id} scope="colgroup" colSpan={2} class="matrix-group">
              <div>
                <SelectAll
                  state={triOf(store, models, columns)}
                  label={`push and pull for ${name}`}
                  at={`-2,${group * 2}`}
                  tabIndex={tabIndex(-2, group * 2)}
                />
                <button
                  type="button"
                  class="matrix-menu"
                  aria-label={`${name}: templates`}
                  title={`${name}: ${members === 1 ? "1 member" : `${members} members`}. Templates`}
                  onClick={(event) => onTemplates(group, event.currentTarget)}
                >
                  <span>{name}</span>
                  <Icon name="chevron-down" />
                </button>
              </div>
            </th>
          );
        })}
      </tr>
      <tr class="matrix-rights">
        {store.groups.flatMap(({ id, name }, group) =>
          ["Push", "Pull"].map((word, right) => {
            const column = group * 2 + right;
            return (
              <th
                key={`${id} ${word}`}
                scope="col"
                class={right === 0 ? "matrix-first" : undefined}
              >
                <label>
                  <SelectAll
                    state={triOf(store, models, [column])}
                    label={`${word.toLowerCase()} for ${name}`}
                    at={`-1,${column}`}
                    tabIndex={tabIndex(-1, column)}
                  />
                  {word}
                </label>
              </th>
            );
          })
        )}
      </tr>
    </thead>
  );
}
