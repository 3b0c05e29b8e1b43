import { Field, type FieldProps } from "./field.tsx";

/** The values to choose from: with their words, as such, or as rows with numbers and names. */
export type ChoiceOptions =
  | Record<string, string>
  | string[]
  | { id: string | number; name: string }[];

export interface ChoiceProps extends Pick<FieldProps, "hint" | "error" | "required"> {
  name: string;
  label: string;
  chosen?: string | number;
  options: ChoiceOptions;
  /** The word for no choice. Absent: something is always chosen. */
  any?: string;
}

/** A field to choose one of a few values, or none. */
export function Choice({ chosen, options, any, ...field }: ChoiceProps) {
  return (
    <Field {...field}>
      {(control) => (
        <select {...control} class="form-select">
          {any !== undefined && <option value="" selected={chosen === undefined}>{any}</option>}
          {choicePairs(options).map(([value, word]) => (
            <option key={value} value={value} selected={value === String(chosen)}>{word}</option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** The values that options stand for, and their words. */
export function choicePairs(options: ChoiceOptions): [value: string, word: string][] {
  if (!Array.isArray(options)) return Object.entries(options);
  return options.map((one) => typeof one === "string" ? [one, one] : [String(one.id), one.name]);
}
