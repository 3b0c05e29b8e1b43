import { AccessLosses, type LossesPreview } from "./access_losses.tsx";

export interface ConfirmLossesProps {
  /** Where the form was sent. */
  action: string;
  /** What was sent, to be sent again. */
  fields: [name: string, value: string][];
  losses: LossesPreview;
  /** What the button does, in words. */
  verb: string;
  /** Where to go instead. */
  cancel: string;
}

/** Asks whether to go on with a form that takes rows from people; nothing of it can be edited. */
export function ConfirmLosses({ action, fields, losses, verb, cancel }: ConfirmLossesProps) {
  return (
    <form method="post" action={action}>
      <AccessLosses {...losses} />
      {fields.filter(([name]) => name !== "confirmed").map(([name, value], i) => (
        <input key={i} type="hidden" name={name} value={value} />
      ))}
      <input type="hidden" name="confirmed" value="yes" />
      <p class="page-actions">
        <button type="submit" class="btn btn-danger">{verb}</button>
        <a class="btn btn-outline-secondary" href={cancel}>Change nothing</a>
      </p>
    </form>
  );
}
