import { Alert } from "./alert.tsx";

/** A preview of a change of rights, as far as it is told. */
export interface LossesPreview {
  changes: {
    model: string;
    users: number;
    /** The first of them. */
    usernames: string[];
    pull: { lost: number | null };
  }[];
  devices: { lose: number };
  /** Why rows were not counted. */
  message: string;
}

/** Says who would lose which rows by saving. */
export function AccessLosses({ changes, devices, message }: LossesPreview) {
  return (
    <Alert kind="warning" title="Saving takes rows away">
      {message} {devices.lose === 0
        ? "No device has these rows yet; these users could no longer pull them."
        : `${devices.lose === 1 ? "1 device loses" : `${devices.lose} devices lose`} ` +
          "rows with the next pull."} Nothing is saved yet.
      <ul>
        {changes.map(({ model, usernames, users, pull }) => (
          <li key={`${model} ${usernames}`}>
            {model}: {usernames.join(", ")}
            {users > usernames.length && ` and ${users - usernames.length} more`}
            {pull.lost === null
              ? ", rows not counted"
              : `, ${pull.lost.toLocaleString("en")} ${pull.lost === 1 ? "row" : "rows"}`}
          </li>
        ))}
      </ul>
    </Alert>
  );
}
