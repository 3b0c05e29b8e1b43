/** The pages of one record, the current one marked. */
export function RecordTabs({ path, current }: { path: string; current: "change" | "history" }) {
  return (
    <ul class="nav nav-underline record-tabs" aria-label="Pages of the record">
      {([["change", "Values"], ["history", "History"]] as const).map(([name, words]) => (
        <li class="nav-item">
          <a
            class={`nav-link${name === current ? " active" : ""}`}
            aria-current={name === current ? "page" : "false"}
            href={`${path}${name}/`}
          >
            {words}
          </a>
        </li>
      ))}
    </ul>
  );
}
