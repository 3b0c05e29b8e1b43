import type { ComponentChildren } from "preact";

export interface PublicFrameProps {
  /** The right of the top bar: theme, account. */
  topbarEnd?: ComponentChildren;
  children: ComponentChildren;
}

/** The frame around the pages outside the admin: a top bar and one column. */
export function PublicFrame({ topbarEnd, children }: PublicFrameProps) {
  return (
    <div class="public-frame">
      <a class="skip-link btn btn-primary" href="#page">Skip to the page</a>
      <header class="topbar">
        <a class="brand" href="/" aria-current="false">
          <img src="/icon.svg" width="24" height="24" alt="" />
          Lockstep
        </a>
        <div class="topbar-end">{topbarEnd}</div>
      </header>
      <main class="public-page" id="page" tabIndex={-1}>{children}</main>
    </div>
  );
}
