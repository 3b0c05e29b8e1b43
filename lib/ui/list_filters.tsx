import type { InputHTMLAttributes } from "preact";
import { Choice, type ChoiceOptions, choicePairs } from "./choice.tsx";
import { Field } from "./field.tsx";
import { FilterChips } from "./filter_chips.tsx";
import { Icon } from "./icon.tsx";
import type { ListState } from "./list_state.ts";

/** A filter as its form offers it and its chip tells it. */
export interface ListFilter extends
  Pick<
    InputHTMLAttributes<HTMLInputElement>,
    "type" | "placeholder" | "autocapitalize"
  > {
  label: string;
  /** What the chip calls it, where the label says more. */
  chip?: string;
  /** The values to choose from; without, any can be written. */
  options?: ChoiceOptions;
  /** The word for no choice, if it is not "Any". */
  any?: string;
  /** What holds where nothing is chosen; there is no "Any" then. */
  fallback?: string;
  /** Values that are offered while one is written. */
  suggestions?: string[];
}

export interface ListFiltersProps<Asked extends object> {
  list: ListState<Asked>;
  fields: { [Name in Exclude<keyof Asked, "sort">]-?: ListFilter };
  /** What the button says, if it is not "Filter". */
  verb?: string;
}

/** The form that filters a list, and the filters in force. */
export function ListFilters<Asked extends object>(
  { list, fields, verb = "Filter" }: ListFiltersProps<Asked>,
) {
  const { path, asked } = list;
  const { sort, ...values } = asked as Record<string, unknown>;
  const filters = fields as Record<string, ListFilter>;
  const given = Object.entries(values).map(([name, value]) => ({ name, value: String(value) }));
  return (
    <>
      <form class="filter-form" method="get" action={path}>
        {sort !== undefined && <input type="hidden" name="sort" value={String(sort)} />}
        {Object.entries(filters).map(([name, filter]) => (
          <FilterField
            key={name}
            name={name}
            filter={filter}
            value={given.find((one) => one.name === name)?.value}
          />
        ))}
        <button type="submit" class="btn btn-primary">
          <Icon name="funnel" /> {verb}
        </button>
      </form>
      <FilterChips
        list={list}
        filters={given.map(({ name, value }) => {
          const { label, chip = label, options = {} } = filters[name];
          const [, shown = value] = choicePairs(options).find(([one]) => one === value) ?? [];
          return { name, label: chip, shown };
        })}
      />
    </>
  );
}

interface FilterFieldProps {
  name: string;
  filter: ListFilter;
  value?: string;
}

function FilterField({ name, filter, value }: FilterFieldProps) {
  const { label, chip: _chip, options, any = "Any", fallback, suggestions, ...input } = filter;
  if (options) {
    const none = fallback === undefined ? any : undefined;
    return (
      <Choice name={name} label={label} chosen={value ?? fallback} options={options} any={none} />
    );
  }
  if (!suggestions) return <Field name={name} label={label} value={value} {...input} />;
  const listId = `${name}-names`;
  return (
    <>
      <Field name={name} label={label} value={value} list={listId} {...input} />
      <datalist id={listId}>
        {suggestions.map((one) => <option key={one} value={one} />)}
      </datalist>
    </>
  );
}
