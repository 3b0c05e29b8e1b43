import { Badge, Table } from "../../../lib/ui/mod.ts";
import type { GroupChoice, MembershipRow } from "../../../lib/web/mod.ts";

/** How a membership is told on the page of its organization, by its user, and the other way round. */
const sides = {
  user: (row: MembershipRow) => ({
    href: `/admin/users/${row.user_id}`,
    name: row.username,
    choice: `Group of ${row.username}`,
    what: `${row.username} in ${row.group_name}`,
  }),
  organization: (row: MembershipRow) => ({
    href: `/admin/organizations/${row.organization_id}`,
    name: row.organization_slug,
    choice: `Group in ${row.organization_slug}`,
    what: `${row.group_name} of ${row.organization_slug}`,
  }),
};

export interface MembershipTableProps {
  /** Where the forms go. */
  path: string;
  rows: MembershipRow[];
  groups: GroupChoice[];
  /** What the rows are told by. */
  side: keyof typeof sides;
}

/** Memberships, each with the forms that change it. */
export function MembershipTable({ path, rows, groups, side }: MembershipTableProps) {
  const [label, head] = side === "user" ? ["Members", "User"] : ["Memberships", "Organization"];
  return (
    <Table label={label} head={[head, "Group", "State", { words: "Actions", hidden: true }]}>
      {rows.map((row) => (
        <Membership key={row.id} row={row} path={path} groups={groups} {...sides[side](row)} />
      ))}
    </Table>
  );
}

interface MembershipProps extends ReturnType<typeof sides["user"]> {
  row: MembershipRow;
  path: string;
  groups: GroupChoice[];
}

function Membership({ row, path, groups, href, name, choice, what }: MembershipProps) {
  const hidden = (
    <>
      <input type="hidden" name="membership" value={row.id} />
      <input type="hidden" name="version" value={row.version} />
    </>
  );
  const button = (action: string, word: string, look = "outline-secondary") => (
    <button type="submit" class={`btn btn-${look} btn-sm`} name="action" value={action}>
      {word}
      <span class="visually-hidden">{` ${what}`}</span>
    </button>
  );
  return (
    <tr>
      <td>
        <a href={href}>{name}</a>
      </td>
      <td>
        <form class="inline-form" method="post" action={path}>
          {hidden}
          <select class="form-select form-select-sm" name="group" aria-label={choice}>
            {groups.map(({ id, name }) => (
              <option key={id} value={id} selected={id === row.group_id}>{name}</option>
            ))}
          </select>
          {button("move", "Move")}
        </form>
      </td>
      <td>
        {row.is_active
          ? <Badge kind="success">Active</Badge>
          : <Badge kind="warning">Suspended</Badge>}
      </td>
      <td>
        <form class="inline-form justify-content-end" method="post" action={path}>
          {hidden}
          {row.is_active ? button("suspend", "Suspend") : button("resume", "Resume")}
          {button("remove", "Remove", "outline-danger")}
        </form>
      </td>
    </tr>
  );
}
