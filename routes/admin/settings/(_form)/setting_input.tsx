import { Badge } from "../../../../lib/ui/mod.ts";
import type { SettingField } from "../../../../lib/web/mod.ts";

export interface SettingInputProps {
  field: SettingField;
  /** What was typed, where nothing was saved. */
  typed?: string;
  isStale?: boolean;
  error?: string;
}

/** The control of one setting, with what it means and its default. */
export function SettingInput({ field, typed, isStale, error }: SettingInputProps) {
  const { name, description, control, defaultValue, isStored } = field;
  const id = `setting-${name}`;
  const value = typed ?? field.value;
  const hint = [
    description,
    typed !== undefined && isStale && `Stored now: ${words(field, field.value)}.`,
    limits(field),
    `Default: ${words(field, defaultValue)}.`,
  ].filter(Boolean).join(" ");
  const common = {
    id,
    name: `v.${name}`,
    "aria-describedby": `${id}-hint${error ? ` ${id}-error` : ""}`,
    "aria-invalid": error ? "true" as const : undefined,
  };
  const look = `form-control${error ? " is-invalid" : ""}`;
  const isSwitch = control.kind === "switch";
  const label = (
    <>
      <code>{name}</code> {isStored && <Badge kind="info">Changed</Badge>}
    </>
  );
  return (
    <div class={`setting${isSwitch ? " form-check form-switch" : ""}`}>
      {isSwitch && <input type="hidden" name={`has.${name}`} value="yes" />}
      {isSwitch && (
        <input
          {...common}
          type="checkbox"
          role="switch"
          class="form-check-input"
          checked={value === "true"}
        />
      )}
      <label class={isSwitch ? "form-check-label" : "form-label"} for={id}>{label}</label>
      {control.kind === "number" && (
        <input
          {...common}
          type="number"
          class={look}
          min={control.min}
          max={control.max}
          step={1}
          value={value}
        />
      )}
      {control.kind === "text" && (
        <input {...common} type="text" class={look} maxLength={control.max} value={value} />
      )}
      {control.kind === "choice" && (
        <select {...common} class="form-select">
          {control.options.map((option) => (
            <option key={option} value={option} selected={option === value}>
              {option === "null" ? "None" : option}
            </option>
          ))}
        </select>
      )}
      {(control.kind === "lines" || control.kind === "json") && (
        <textarea
          {...common}
          class={`${look} font-monospace`}
          rows={Math.min(8, Math.max(2, value.split("\n").length))}
          value={value}
        />
      )}
      {error && <div id={`${id}-error`} class="invalid-feedback d-block">{error}</div>}
      <div id={`${id}-hint`} class="form-text">{hint}</div>
    </div>
  );
}

function limits({ control }: SettingField): string {
  if (control.kind === "lines") return "One a line.";
  if (control.kind !== "number" || control.max === undefined) return "";
  return `From ${control.min?.toLocaleString("en")} to ${control.max.toLocaleString("en")}.`;
}

function words({ control }: SettingField, value: string): string {
  if (value === "") return "empty";
  if (control.kind === "switch") return value === "true" ? "on" : "off";
  if (control.kind === "number") return Number(value).toLocaleString("en");
  if (value === "null") return "none";
  return value.replaceAll("\n", ", ").replace(/\.$/, "");
}
