import type { FilterColumn } from "../../lib/ui/mod.ts";

export interface ValueInputProps {
  name: string;
  label: string;
  column?: FilterColumn;
  lookup: string;
  /** The value is compared with a part of a date, such as its year. */
  isPart: boolean;
  values: string[];
  /** Else any value can be written, one a line. */
  isAlive: boolean;
  onChange(values: string[]): void;
}

/** Id of the list of values that name the user. */
export const variablesId = "filter-variables";

const patterns = ["regex", "iregex"];

/** The control for a condition's value, by the type of the column and what the operator takes. */
export function ValueInput(props: ValueInputProps) {
  const { name, label, column, lookup, isPart, values, isAlive, onChange } = props;
  const common = { name, "aria-label": label };
  const choose = (options: [string, string][]) => {
    const [first] = values;
    const known = options.some(([value]) => value === first);
    return (
      <select
        {...common}
        class="form-select"
        onChange={(event) => onChange([event.currentTarget.value])}
      >
        {!known && <option value="" selected>Choose a value</option>}
        {options.map(([value, words]) => (
          <option key={value} value={value} selected={value === first}>{words}</option>
        ))}
      </select>
    );
  };
  const write = (at: number, label: string, type = "text") => (
    <input
      {...common}
      aria-label={label}
      class="form-control"
      type={type}
      list={patterns.includes(lookup) ? undefined : variablesId}
      inputMode={column?.input === "number" || isPart ? "decimal" : undefined}
      autoComplete="off"
      value={values[at] ?? ""}
      onInput={(event) => {
        const next = [...values];
        next[at] = event.currentTarget.value;
        onChange(next);
      }}
    />
  );
  if (!isAlive || lookup === "in") {
    return (
      <textarea
        {...common}
        class="form-control"
        rows={isAlive ? Math.min(6, Math.max(2, values.length)) : 1}
        placeholder="One value a line"
        value={values.join("\n")}
        onInput={(event) => onChange(event.currentTarget.value.split("\n"))}
      />
    );
  }
  if (lookup === "isnull") return choose([["true", "yes"], ["false", "no"]]);
  if (lookup === "exact" && !isPart) {
    if (column?.input === "boolean") return choose([["true", "true"], ["false", "false"]]);
    if (column?.input === "choice") return choose(column.choices.map((value) => [value, value]));
  }
  const type = column?.input === "date" && !isPart ? "date" : "text";
  if (lookup === "range") {
    return (
      <span class="filter-range">
        {write(0, `${label}: lowest`, type)} and {write(1, `${label}: highest`, type)}
      </span>
    );
  }
  return write(0, label, type);
}
