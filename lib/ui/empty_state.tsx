import type { ComponentChildren } from "preact";
import { Icon } from "./icon.tsx";

export interface EmptyStateProps {
  icon: string;
  /** What would be here. */
  title: string;
  /** How it comes. */
  children: ComponentChildren;
  /** A link or button that brings it. */
  action?: ComponentChildren;
}

/** Takes the place of a list without entries. */
export function EmptyState({ icon, title, children, action }: EmptyStateProps) {
  return (
    <div class="empty-state">
      <Icon name={icon} />
      <h2>{title}</h2>
      <p>{children}</p>
      {action}
    </div>
  );
}
