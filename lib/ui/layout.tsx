import type { ComponentChildren } from "preact";
import { Icon } from "./icon.tsx";

export interface NavItem {
  label: string;
  href: string;
  icon: string;
}

export interface NavGroup {
  label: string;
  items: NavItem[];
}

export interface LayoutProps {
  /** The pages there are. */
  groups: NavGroup[];
  /** Path of the current page. */
  path: string;
  /** The left of the top bar: what everything on the page belongs to. */
  topbarStart?: ComponentChildren;
  /** The right of the top bar: theme, account. */
  topbarEnd?: ComponentChildren;
  /** Below the list of pages. */
  sidebarEnd?: ComponentChildren;
  children: ComponentChildren;
}

/** The frame around a page: sidebar, top bar and the page itself. Under 992 px the sidebar is a drawer. */
export function Layout(props: LayoutProps) {
  const { groups, path, topbarStart, topbarEnd, sidebarEnd, children } = props;
  const current = currentHref(groups.flatMap((group) => group.items), path);
  return (
    <div class="frame">
      <a class="skip-link btn btn-primary" href="#page">Skip to the page</a>
      <nav class="sidebar" id="sidebar" popover="auto" aria-label="Main">
        <a class="brand" href="/" aria-current="false">
          <img src="/icon.svg" width="24" height="24" alt="" />
          Lockstep
        </a>
        {groups.map(({ label, items }) => (
          <section>
            <h2>{label}</h2>
            <ul>
              {items.map((item) => (
                <li>
                  <a
                    href={item.href}
                    aria-current={item.href !== current
                      ? "false"
                      : item.href === path
                      ? "page"
                      : "true"}
                  >
                    <Icon name={item.icon} />
                    {item.label}
                  </a>
                </li>
              ))}
            </ul>
          </section>
        ))}
        {sidebarEnd}
      </nav>
      <div class="frame-body">
        <header class="topbar">
          <button
            type="button"
            class="menu-button btn btn-outline-secondary"
            popovertarget="sidebar"
          >
            <Icon name="list" /> Menu
          </button>
          {topbarStart}
          <div class="topbar-end">{topbarEnd}</div>
        </header>
        <main class="page" id="page" tabIndex={-1}>{children}</main>
      </div>
    </div>
  );
}

/** The entry whose page this is, or the nearest above it that is not above all others. */
function currentHref(items: NavItem[], path: string): string | undefined {
  const hrefs = items.map(({ href }) => href);
  const isAbove = (href: string, other: string) =>
    other.startsWith(href.endsWith("/") ? href : `${href}/`);
  return hrefs
    .filter((href) =>
      path === href || isAbove(href, path) && !hrefs.some((other) => isAbove(href, other))
    )
    .toSorted((a, b) => b.length - a.length)[0];
}
