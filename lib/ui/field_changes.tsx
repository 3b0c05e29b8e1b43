import { Icon } from "./icon.tsx";

export interface FieldChangesProps {
  action: string;
  /** What of the row changed, with both values as text; null is SQL's NULL. */
  changes: { field: string; label?: string; before: string | null; after: string | null }[];
}

/** The fields that a change gave other values, the old ones beside the new. */
export function FieldChanges({ action, changes }: FieldChangesProps) {
  const shown = action === "update"
    ? changes
    : changes.filter(({ before, after }) => before !== null || after !== null);
  return (
    <dl class="field-changes">
      {shown.map(({ field, label = field, before, after }) => (
        <div>
          <dt>{label}</dt>
          <dd>
            {action !== "create" && <del dir="auto">{valueText(before)}</del>}
            {action !== "create" && action !== "delete" && (
              <Icon name="arrow-right" label="became" />
            )}
            {action !== "delete" && <ins dir="auto">{valueText(after)}</ins>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function valueText(text: string | null): string {
  if (text === null) return "no value";
  if (text === "") return "empty";
  return text.length > 500 ? `${text.slice(0, 500)}…` : text;
}
