import type { ComponentChildren } from "preact";
import { Icon } from "./icon.tsx";

export interface PaginationProps {
  /** URLs of the neighbouring pages, absent at the ends. */
  newer?: string;
  older?: string;
  /** What is known of the total, for example "About 12,000 rows". */
  total?: string;
  /** What the links say where the list is not one of times. */
  words?: { newer: string; older: string };
}

/** Links to the neighbouring pages of a list in keyset order. A list of one page has none. */
export function Pagination({ newer, older, total, words }: PaginationProps) {
  if (newer === undefined && older === undefined) {
    return total === undefined ? null : <p class="pager pager-total figures">{total}</p>;
  }
  return (
    <nav class="pager" aria-label="Pages">
      {total !== undefined && <span class="pager-total figures">{total}</span>}
      <PageLink href={newer} rel="prev">
        <Icon name="chevron-left" /> {words?.newer ?? "Newer"}
      </PageLink>
      <PageLink href={older} rel="next">
        {words?.older ?? "Older"} <Icon name="chevron-right" />
      </PageLink>
    </nav>
  );
}

function PageLink(
  { href, rel, children }: { href?: string; rel: string; children: ComponentChildren },
) {
  const look = "btn btn-outline-secondary btn-sm";
  return href === undefined
    ? <a class={`${look} disabled`} role="link" aria-disabled="true">{children}</a>
    : <a class={look} href={href} rel={rel}>{children}</a>;
}
