import { Field } from "../../../../lib/ui/mod.ts";
import type { FormProblem } from "../../../../lib/web/mod.ts";

/** What of a user a form sets, besides password and memberships. */
export interface UserValues {
  username: string;
  email: string;
  first_name: string;
  last_name: string;
  is_staff: boolean;
  is_superuser: boolean;
  avatar_url: string | null;
}

/** The values that a form sent. */
export function userValues(fields: URLSearchParams): UserValues {
  return {
    username: fields.get("username") ?? "",
    email: fields.get("email") ?? "",
    first_name: fields.get("first_name") ?? "",
    last_name: fields.get("last_name") ?? "",
    is_staff: fields.has("is_staff"),
    is_superuser: fields.has("is_superuser"),
    avatar_url: fields.get("avatar_url"),
  };
}

export interface UserFieldsProps {
  values: UserValues;
  /** As stored, where the user was changed meanwhile. */
  stored?: UserValues;
  problem?: FormProblem;
  /** Whether the reader may change the user at all. */
  disabled?: boolean;
  /** Ranks are given by staff only. */
  mayRank: boolean;
}

/** Name, e-mail and rank of a user. */
export function UserFields({ values, stored, problem, disabled, mayRank }: UserFieldsProps) {
  const now = (name: keyof UserValues) =>
    problem?.isStale && stored && stored[name] !== values[name]
      ? `Stored now: ${
        typeof stored[name] === "boolean" ? stored[name] ? "yes" : "no" : stored[name] || "empty"
      }. `
      : "";
  const text = (
    name: "username" | "email" | "first_name" | "last_name" | "avatar_url",
    label: string,
    max: number,
    hint = "",
  ) => (
    <Field
      name={name}
      label={label}
      required={name === "username"}
      maxLength={max}
      autoComplete="off"
      disabled={disabled}
      value={values[name] ?? ""}
      error={problem?.fields[name]}
      hint={now(name) + hint || undefined}
    />
  );
  const rank = (name: "is_staff" | "is_superuser", label: string, means: string) => (
    <div class="form-check">
      <input
        type="checkbox"
        class="form-check-input"
        id={`field-${name}`}
        name={name}
        disabled={disabled || !mayRank}
        checked={values[name]}
        aria-describedby={`field-${name}-hint`}
      />
      <label class="form-check-label" for={`field-${name}`}>{label}</label>
      <div class="form-text" id={`field-${name}-hint`}>{now(name) + means}</div>
    </div>
  );
  return (
    <>
      {text("username", "Username", 150, "Letters, digits and _ . @ + - only.")}
      <div class="field-pair">
        {text("first_name", "First name", 150)}
        {text("last_name", "Last name", 150)}
      </div>
      {text("email", "E-mail", 254, "A filter may compare rows with it.")}
      {stored && text(
        "avatar_url",
        "Picture",
        10_000,
        "A path such as /pictures/mary.png, or data:image/png;base64,… of at most 10,000 " +
          "characters. Shown to people who edit together, once the setting AVATAR_FIELD is avatar_url.",
      )}
      <fieldset class="mb-3">
        <legend class="form-label">Rank</legend>
        {rank("is_staff", "Staff", "Administers every organization, user and setting.")}
        {rank(
          "is_superuser",
          "Superuser",
          "Also pushes and pulls every model in every organization.",
        )}
        {!mayRank && <div class="form-text">Staff only give and take ranks.</div>}
      </fieldset>
    </>
  );
}
