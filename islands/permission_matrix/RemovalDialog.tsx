import { useEffect, useRef } from "preact/hooks";
import type { PreviewChange } from "./admin_api.ts";
import type { Question } from "./matrix_saver.ts";

const mostRows = 50;

/** Says who would lose which rows, and asks whether to go on. */
export function RemovalDialog({ question }: { question: Question }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current!.showModal(), []);
  const { preview, rights, answer } = question;
  const { changes, devices, message } = preview;
  const users = new Set(changes.flatMap(({ usernames }) => usernames)).size;
  const losers = devices.lose > 0
    ? plural(devices.lose, "device")
    : plural(Math.max(users, ...changes.map((change) => change.users)), "user");
  return (
    <dialog
      ref={dialog}
      class="matrix-dialog"
      aria-labelledby="removal-title"
      onCancel={(event) => {
        event.preventDefault();
        answer(false);
      }}
    >
      <h2 id="removal-title">Take rows away from {losers}?</h2>
      <p>
        {devices.lose > 0
          ? "With their next pull, the devices are told to remove the rows."
          : "No device has these rows yet. These users could no longer pull them."}{" "}
        You can undo it: then the rows are sent again.
      </p>
      {message && <p>{message}</p>}
      <div class="table-responsive" tabIndex={0} role="region" aria-label="Who loses rows">
        <table class="table table-compact">
          <thead>
            <tr>
              <th>Model</th>
              <th class="text-end">Rows lost</th>
              <th class="text-end">Devices</th>
              <th>Users</th>
            </tr>
          </thead>
          <tbody>
            {changes.slice(0, mostRows).map((change) => (
              <Loss key={`${change.model} ${change.usernames}`} change={change} />
            ))}
          </tbody>
        </table>
      </div>
      {changes.length > mostRows && <p>And {changes.length - mostRows} more.</p>}
      <div class="matrix-dialog-actions">
        <button
          type="button"
          class="btn btn-outline-secondary"
          autofocus
          onClick={() => answer(false)}
        >
          Change nothing
        </button>
        <button type="button" class="btn btn-danger" onClick={() => answer(true)}>
          Take away {plural(rights, "right")}
        </button>
      </div>
    </dialog>
  );
}

function Loss({ change }: { change: PreviewChange }) {
  const { model, groups, users, usernames, devices, pull } = change;
  const others = users - usernames.length;
  return (
    <tr>
      <td>{model}</td>
      <td class="text-end">{pull.lost?.toLocaleString("en") ?? "Not counted"}</td>
      <td class="text-end">{devices.toLocaleString("en")}</td>
      <td title={`In ${groups.join(", ")}`}>
        {usernames.join(", ")}
        {others > 0 && ` and ${others} more`}
      </td>
    </tr>
  );
}

function plural(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
