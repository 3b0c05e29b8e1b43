import { Icon } from "./icon.tsx";
import { PublicFrame } from "./public_frame.tsx";

export interface ErrorPageProps {
  status: number;
  /** The status in words. */
  title: string;
  /** What failed and what to do, in whole sentences. */
  detail: string;
  /** Under which the log has the rest. */
  requestId: string;
  /** Where to try again, if that may help. */
  retry?: string;
  /** Where to go on. Default: the first page. */
  home?: { href: string; label: string };
}

/** Takes the place of a page that cannot be shown. */
export function ErrorPage(props: ErrorPageProps) {
  const { status, title, detail, requestId, retry } = props;
  const home = props.home ?? { href: "/", label: "Go to the first page" };
  return (
    <PublicFrame>
      <div class="error-page">
        <p class="error-status figures">{status}</p>
        <h1>{title}</h1>
        <p>{detail}</p>
        <p class="page-actions">
          {retry !== undefined && (
            <a class="btn btn-primary" href={retry}>
              <Icon name="arrow-clockwise" /> Try again
            </a>
          )}
          <a
            class={`btn ${retry === undefined ? "btn-primary" : "btn-outline-secondary"}`}
            href={home.href}
          >
            {home.label}
          </a>
        </p>
        <p class="error-request">
          Request id <code>{requestId}</code>
        </p>
      </div>
    </PublicFrame>
  );
}
