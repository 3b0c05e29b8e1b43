export interface IconProps {
  /** Name in Bootstrap Icons, for example `check-circle`. */
  name: string;
  /** What it says, if no text beside it says the same. */
  label?: string;
}

/** An icon of Bootstrap Icons; hidden from screen readers unless it has a label. */
export function Icon({ name, label }: IconProps) {
  return label === undefined
    ? <i class={`bi bi-${name}`} aria-hidden="true" />
    : <i class={`bi bi-${name}`} role="img" aria-label={label} />;
}
