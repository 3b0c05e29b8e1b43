import type { ComponentChildren } from "preact";
import { Icon } from "./icon.tsx";

const KINDS = {
  neutral: { tone: "secondary", icon: null },
  info: { tone: "primary", icon: null },
  success: { tone: "success", icon: "check-lg" },
  warning: { tone: "warning", icon: "exclamation-triangle" },
  danger: { tone: "danger", icon: "x-lg" },
};

export interface BadgeProps {
  kind?: keyof typeof KINDS;
  children: ComponentChildren;
}

/** A state in a word; the colours of states come with an icon. */
export function Badge({ kind = "neutral", children }: BadgeProps) {
  const { tone, icon } = KINDS[kind];
  return (
    <span
      class={`badge text-${tone}-emphasis bg-${tone}-subtle border border-${tone}-subtle`}
    >
      {icon !== null && (
        <>
          <Icon name={icon} />
          {" "}
        </>
      )}
      {children}
    </span>
  );
}
