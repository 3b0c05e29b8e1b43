import { type FilterColumn, type FilterLine, Icon } from "../../lib/ui/mod.ts";
import { ValueInput } from "./ValueInput.tsx";

export interface ConditionLineProps {
  index: number;
  line: FilterLine;
  columns: FilterColumn[];
  /** Operators in words. */
  labels: Record<string, string>;
  /** Scripts run, so that controls can follow the choice of column and operator. */
  isAlive: boolean;
  onChange(line: FilterLine): void;
  onRemove(): void;
}

/** One condition: column, operator, value, and whether the opposite is meant. */
export function ConditionLine(props: ConditionLineProps) {
  const { index, line, columns, labels, isAlive, onChange, onRemove } = props;
  const column = columns.find(({ name }) => name === line.field);
  const offered = isAlive && column
    ? [...new Set([...column.operators, ...(line.operator ? [line.operator] : [])])]
    : Object.keys(labels);
  const name = (part: string) => `c${index}.${part}`;
  const number = index + 1;

  function chooseField(field: string) {
    const next = columns.find((one) => one.name === field);
    const keeps = next?.operators.includes(line.operator);
    const operator = keeps ? line.operator : next?.operators[0] ?? "exact";
    onChange({ ...line, field, operator, values: keeps ? line.values : [""] });
  }

  return (
    <fieldset class="filter-line">
      <legend class="visually-hidden">Condition {number}</legend>
      <select
        class="form-select"
        name={name("field")}
        aria-label={`Column of condition ${number}`}
        onChange={(event) => chooseField(event.currentTarget.value)}
      >
        <option value="" selected={line.field === ""}>Choose a column</option>
        {columns.map(({ name, type }) => (
          <option key={name} value={name} selected={name === line.field}>
            {name} ({type})
          </option>
        ))}
      </select>
      <label class="filter-not form-check">
        <input
          type="checkbox"
          class="form-check-input"
          name={name("negate")}
          checked={line.negate}
          aria-label={`Not: the opposite of condition ${number}`}
          onChange={(event) => onChange({ ...line, negate: event.currentTarget.checked })}
        />{" "}
        not
      </label>
      <select
        class="form-select"
        name={name("operator")}
        aria-label={`Operator of condition ${number}`}
        onChange={(event) => onChange({ ...line, operator: event.currentTarget.value })}
      >
        {offered.map((operator) => (
          <option key={operator} value={operator} selected={operator === line.operator}>
            {labels[operator] ?? operator}
          </option>
        ))}
      </select>
      <ValueInput
        name={name("value")}
        label={`Value of condition ${number}`}
        column={column}
        lookup={lookupOf(line.operator)}
        isPart={line.operator.includes("__")}
        values={line.values}
        isAlive={isAlive}
        onChange={(values) => onChange({ ...line, values })}
      />
      <button
        type="button"
        class="btn btn-outline-secondary needs-script"
        aria-label={`Remove condition ${number}`}
        title="Remove"
        onClick={onRemove}
      >
        <Icon name="x-lg" />
      </button>
    </fieldset>
  );
}

/** What the operator does besides taking a part of a date. */
function lookupOf(operator: string): string {
  return operator.slice(operator.lastIndexOf("__") < 0 ? 0 : operator.lastIndexOf("__") + 2);
}
