import type { ComponentChildren } from "preact";

/** A column of a record as a field of its form. */
export interface RecordFieldView {
  name: string;
  label: string;
  /** Type and constraints in words. */
  hint: string;
  control:
    | "text"
    | "textarea"
    | "integer"
    | "decimal"
    | "date"
    | "time"
    | "json"
    | "list"
    | "select"
    | "reference"
    | "fixed";
  /** Null is SQL's NULL. */
  value: string | null;
  /** The stored value; absent in a form for a new record. */
  was?: string | null;
  required: boolean;
  /** Text that can be NULL as well as empty. */
  clearable: boolean;
  /** The first choice of a select, which stands for no value or for the default. */
  emptyLabel?: string;
  options?: { value: string; label: string }[];
  error?: string;
  reference?: {
    /** The model that the value is a key of. */
    model: string;
    /** Path of its list, where the reader may see it. */
    list?: string;
    /** Address of its records as choices. */
    options?: string;
    /** The record that the value names. */
    label?: string;
    href?: string;
  };
}

export interface RecordFieldProps {
  field: RecordFieldView;
  /** Place in the form, which makes the ids of its elements. */
  index: number;
  /** What helps to find the record that a foreign key points to. */
  picker?: ComponentChildren;
}

/** The id of a field's control. */
export const recordFieldId = (index: number) => `record-${index}`;

/** A field of a record's form: label above, control, then the error and the hint. */
export function RecordField({ field, index, picker }: RecordFieldProps) {
  const { name, label, hint, control, value, was, required, error } = field;
  const id = recordFieldId(index);
  const changed = was !== undefined && value !== was && control !== "fixed";
  return (
    <div
      class={`record-field${changed ? " is-changed" : ""}${error ? " is-wrong" : ""}`}
      data-name={name}
      title={changed ? wasText(was) : undefined}
    >
      <label class="form-label" for={id}>
        {label}
        {required && <span class="required-mark ms-1" aria-hidden="true">*</span>}
        <span class="changed-mark">Changed</span>
      </label>
      <Control field={field} id={id} />
      {field.clearable && control !== "fixed" && (
        <div class="form-check">
          <input
            type="checkbox"
            class="form-check-input"
            id={`${id}-null`}
            name={`null.${name}`}
            checked={value === null}
          />
          <label class="form-check-label" for={`${id}-null`}>
            No value when left empty<span class="visually-hidden">{`: ${label}`}</span>
          </label>
        </div>
      )}
      {picker}
      {error && <div id={`${id}-error`} class="invalid-feedback d-block">{error}</div>}
      <div id={`${id}-hint`} class="form-text">{hint}</div>
    </div>
  );
}

function wasText(was: string | null): string {
  return was === null ? "There was no value" : `Was: ${was.slice(0, 300)}`;
}

function Control({ field, id }: { field: RecordFieldView; id: string }) {
  const { name, control, required, error, options, emptyLabel } = field;
  const value = field.value ?? "";
  const common = {
    id,
    name: `v.${name}`,
    required,
    "aria-describedby": `${error ? `${id}-error ` : ""}${id}-hint`,
    "aria-invalid": error ? "true" as const : undefined,
    autocomplete: "off",
  };
  const look = error ? " is-invalid" : "";
  switch (control) {
    case "fixed":
      return (
        <input
          id={id}
          class="form-control-plaintext figures"
          readOnly
          value={value || "—"}
          aria-describedby={`${id}-hint`}
        />
      );
    case "select":
      return (
        <select {...common} class={`form-select${look}`}>
          {(emptyLabel !== undefined || value === "") && (
            <option value="" selected={value === ""}>{emptyLabel ?? "Choose"}</option>
          )}
          {options!.map((option) => (
            <option value={option.value} selected={option.value === value}>{option.label}</option>
          ))}
        </select>
      );
    case "textarea":
    case "json":
    case "list": {
      const isCode = control !== "textarea";
      const rows = Math.min(Math.max(value.split("\n").length, control === "list" ? 1 : 3), 16);
      return (
        <textarea
          {...common}
          class={`form-control${isCode ? " font-monospace" : ""}${look}`}
          rows={rows}
          dir={isCode ? undefined : "auto"}
          spellcheck={!isCode}
          data-json={isCode ? control : undefined}
        >
          {/* The HTML parser drops a line end at the beginning. */}
          {`\n${value}`}
        </textarea>
      );
    }
    default:
      return (
        <input
          {...common}
          type={control === "date" ? "date" : "text"}
          class={`form-control${look}`}
          dir="auto"
          inputMode={control === "integer"
            ? "numeric"
            : control === "decimal"
            ? "decimal"
            : undefined}
          value={value}
        />
      );
  }
}
