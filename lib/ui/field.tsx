import type { InputHTMLAttributes, VNode } from "preact";

interface ControlProps {
  id: string;
  name: string;
  required?: boolean;
  "aria-describedby"?: string;
  "aria-invalid"?: "true";
}

export interface FieldProps
  extends Omit<InputHTMLAttributes<HTMLInputElement>, "name" | "label" | "children"> {
  name: string;
  label: string;
  /** Type and constraints in words. */
  hint?: string;
  /** What is wrong with the value and what would be right. */
  error?: string;
  required?: boolean;
  /** Makes another control than an `<input>`, from the attributes that tie it to its label. */
  children?: (control: ControlProps) => VNode;
}

/** A form field: label above, control, then the error and the hint. */
export function Field({ name, label, hint, error, required, children, ...input }: FieldProps) {
  const id = `field-${name}`;
  const describedBy = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(" ");
  const control: ControlProps = {
    id,
    name,
    required,
    "aria-describedby": describedBy || undefined,
    "aria-invalid": error ? "true" : undefined,
  };
  return (
    <div class="mb-3">
      <label class="form-label" for={id}>
        {label}
        {required && <span class="required-mark ms-1" aria-hidden="true">*</span>}
      </label>
      {children !== undefined
        ? children(control)
        : <input {...input} {...control} class={`form-control${error ? " is-invalid" : ""}`} />}
      {error && <div id={`${id}-error`} class="invalid-feedback d-block">{error}</div>}
      {hint && <div id={`${id}-hint`} class="form-text">{hint}</div>}
    </div>
  );
}
