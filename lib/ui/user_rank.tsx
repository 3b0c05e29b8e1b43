import { Badge } from "./badge.tsx";

/** Whether a user may sign in, and whether they administer everything. */
export function UserRank(
  { user }: { user: { is_active: boolean; is_staff: boolean; is_superuser: boolean } },
) {
  return (
    <>
      {user.is_active
        ? <Badge kind="success">Active</Badge>
        : <Badge kind="warning">Disabled</Badge>} {user.is_superuser
        ? <Badge kind="info">Superuser</Badge>
        : user.is_staff && <Badge kind="info">Staff</Badge>}
    </>
  );
}
