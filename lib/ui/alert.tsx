import type { ComponentChildren } from "preact";
import { Icon } from "./icon.tsx";

const KINDS = {
  info: { tone: "primary", icon: "info-circle", role: "status" },
  success: { tone: "success", icon: "check-circle", role: "status" },
  warning: { tone: "warning", icon: "exclamation-triangle", role: "status" },
  danger: { tone: "danger", icon: "exclamation-octagon", role: "alert" },
} as const;

export interface AlertProps {
  kind: keyof typeof KINDS;
  /** What happened, in one sentence. */
  title?: string;
  children?: ComponentChildren;
}

/** A message about what happened, read out by screen readers. */
export function Alert({ kind, title, children }: AlertProps) {
  const { tone, icon, role } = KINDS[kind];
  return (
    <div class={`alert alert-${tone} d-flex gap-2 py-2 px-3`} role={role}>
      <Icon name={icon} />
      <div>
        {title !== undefined && <strong class="d-block">{title}</strong>}
        {children}
      </div>
    </div>
  );
}
