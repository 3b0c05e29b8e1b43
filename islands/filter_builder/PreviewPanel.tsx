import { type FilterPreview, Icon, TextTable } from "../../lib/ui/mod.ts";

export interface PreviewPanelProps {
  preview?: FilterPreview;
  /** Why there is none. */
  problem: string;
  /** Another is being asked for. */
  isBusy: boolean;
}

/** The rows that the filter leaves, and who gains and loses by saving it. */
export function PreviewPanel({ preview, problem, isBusy }: PreviewPanelProps) {
  return (
    <section class="filter-preview" aria-busy={isBusy ? "true" : undefined}>
      <h2>Preview</h2>
      <div role="status">
        {problem
          ? (
            <p class="filter-problem">
              <Icon name="exclamation-triangle" /> {problem}
            </p>
          )
          : preview
          ? <Summary preview={preview} />
          : <p class="section-note">The rows that the filter leaves appear here.</p>}
      </div>
      {preview && !problem && preview.rows.length > 0 && (
        <TextTable
          class="table-compact"
          label="First rows"
          columns={preview.columns}
          rows={preview.rows}
        />
      )}
      {preview && !problem && <Changes preview={preview} />}
    </section>
  );
}

function Summary({ preview }: { preview: FilterPreview }) {
  const { words, user, count, isMore, message } = preview;
  return (
    <>
      <p>
        {count !== null && (
          <strong class="figures">
            {isMore && "More than "}
            {plural(count, "row")}
          </strong>
        )}
        {count !== null && ": "}
        {words}.
        {user && ` With the values of ${user}.`}
      </p>
      {message && <p class="section-note">{message}</p>}
    </>
  );
}

function Changes({ preview: { changes, devices } }: { preview: FilterPreview }) {
  if (changes.length === 0) {
    return <p class="section-note">Saving changes the rows of nobody.</p>;
  }
  const { gain, lose } = devices;
  return (
    <>
      <h3>By saving</h3>
      <ul class="filter-changes">
        {changes.map(({ model, users, usernames, gained, lost }) => (
          <li key={`${model} ${usernames}`}>
            {usernames.join(", ")}
            {users > usernames.length && ` and ${users - usernames.length} more`}{" "}
            <span class="is-gain">
              <Icon name="plus-lg" /> {rowsOrUnknown(gained)} gained
            </span>{" "}
            <span class="is-loss">
              <Icon name="dash-lg" /> {rowsOrUnknown(lost)} lost
            </span>
          </li>
        ))}
      </ul>
      <p class="section-note">
        {plural(gain, "device")} would gain rows, {plural(lose, "device")} would lose some.
      </p>
    </>
  );
}

function rowsOrUnknown(count: number | null): string {
  return count === null ? "not counted:" : plural(count, "row");
}

function plural(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
