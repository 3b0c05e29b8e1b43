import { Badge } from "./badge.tsx";

export interface DeviceStateProps {
  revoked_at: Date | null;
  resync_requested_at: Date | null;
  /** When a pull last brought it to the state of the server. */
  last_complete_at: Date | null;
}

/** How a device stands, in a word. */
export function DeviceState(
  { revoked_at, resync_requested_at, last_complete_at }: DeviceStateProps,
) {
  if (revoked_at) return <Badge kind="danger">Revoked</Badge>;
  if (resync_requested_at && !(last_complete_at && last_complete_at > resync_requested_at)) {
    return <Badge kind="warning">Starts over</Badge>;
  }
  return last_complete_at
    ? <Badge kind="success">Synced</Badge>
    : <Badge kind="info">First sync</Badge>;
}
