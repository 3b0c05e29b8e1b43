import type { AccessPreview } from "../../../../lib/access/mod.ts";
import { AccessLosses, Alert, Badge, Choice } from "../../../../lib/ui/mod.ts";
import { type GroupRow, mayPush } from "./group_rows.ts";

const path = "/admin/permissions";

interface Group {
  id: number;
  name: string;
}

interface Organization {
  name: string;
  slug: string;
}

export interface GroupChoiceProps {
  organization: Organization;
  groups: Group[];
  chosen?: Group;
}

/** Chooses the group whose form is shown. */
export function GroupChoice({ organization, groups, chosen }: GroupChoiceProps) {
  return (
    <form class="filter-form" method="get" action={path}>
      <input type="hidden" name="organization" value={organization.slug} />
      <Choice name="group" label="Group" chosen={chosen?.id} options={groups} />
      <button type="submit" class="btn btn-primary">Show</button>
    </form>
  );
}

export interface GroupFormProps {
  organization: Organization;
  group: Group;
  rows: GroupRow[];
  /** Of the rows as they are stored. */
  digest: string;
  saved?: boolean;
  /** Why nothing was saved. */
  problem?: string;
  /** What saving would take from whom; to be answered first. */
  losses?: AccessPreview;
  /** What of the rows is confirmed by saving again: `choiceOf`. */
  choice?: string;
}

/** The rights of one group as a plain form. */
export function GroupForm(props: GroupFormProps) {
  const { organization, group, rows, digest, saved, problem, losses, choice } = props;
  return (
    <form class="group-form" method="post" action={path}>
      {saved && <Alert kind="success">The permissions of {group.name} are saved.</Alert>}
      {problem && <Alert kind="warning">{problem}</Alert>}
      {losses && <AccessLosses {...losses} />}
      <input type="hidden" name="organization" value={organization.slug} />
      <input type="hidden" name="group" value={group.id} />
      <input type="hidden" name="digest" value={digest} />
      {losses && <input type="hidden" name="confirmed" value={choice} />}
      <div class="table-responsive" role="region" aria-label={`Permissions of ${group.name}`}>
        <table class="table">
          <thead>
            <tr>
              <th>Model</th>
              <th>Push</th>
              <th>Pull</th>
              <th>Rows</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.model}>
                <th scope="row">{row.model}</th>
                <td>
                  <Right name="push" row={row} disabled={!mayPush(row)} />
                </td>
                <td>
                  <Right name="pull" row={row} />
                </td>
                <td>
                  {row.filtered ? <Badge kind="info">With a filter</Badge> : "All"}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <button type="submit" class={`btn mt-3 ${losses ? "btn-danger" : "btn-primary"}`}>
        {losses ? "Save and take these rows away" : `Save permissions of ${group.name}`}
      </button>
      {losses && <a class="btn btn-outline-secondary mt-3 ms-2" href={path}>Change nothing</a>}
    </form>
  );
}

function Right(
  { name, row, disabled }: { name: "push" | "pull"; row: GroupRow; disabled?: boolean },
) {
  return (
    <input
      type="checkbox"
      class="form-check-input"
      name={name}
      value={row.model}
      checked={row[name]}
      disabled={disabled}
      aria-label={`${name} ${row.model}`}
    />
  );
}
