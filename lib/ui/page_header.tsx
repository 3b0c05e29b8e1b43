import type { ComponentChildren } from "preact";

export interface PageHeaderProps {
  /** The pages above this one. */
  place?: { label: string; href?: string }[];
  title: ComponentChildren;
  /** One sentence, where the page is not obvious. */
  description?: ComponentChildren;
  /** The main actions. */
  children?: ComponentChildren;
}

/** How a page begins: its place, its title, a sentence, and its actions at the right. */
export function PageHeader({ place = [], title, description, children }: PageHeaderProps) {
  return (
    <header class="page-head">
      <div>
        {place.length > 0 && (
          <nav class="page-place" aria-label="Place">
            <ol>
              {place.map(({ label, href }) => (
                <li>{href === undefined ? label : <a href={href}>{label}</a>}</li>
              ))}
            </ol>
          </nav>
        )}
        <h1 dir="auto">{title}</h1>
        {description !== undefined && <p>{description}</p>}
      </div>
      {children !== undefined && <div class="page-actions">{children}</div>}
    </header>
  );
}
