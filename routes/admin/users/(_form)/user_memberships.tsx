import { Alert, Choice, Icon } from "../../../../lib/ui/mod.ts";
import type {
  FormProblem,
  GroupChoice,
  MembershipRow,
  OrganizationChoices,
} from "../../../../lib/web/mod.ts";
import { OrganizationChoice } from "../../(_form)/organization_choice.tsx";
import { MembershipTable } from "../../(_form)/membership_table.tsx";

export interface UserMembershipsProps {
  path: string;
  rows: MembershipRow[];
  choices: OrganizationChoices;
  groups: GroupChoice[];
  problem?: FormProblem;
}

/** In which groups of which organizations a user is, and the forms that change it. */
export function UserMemberships(
  { path, rows, choices, groups, problem }: UserMembershipsProps,
) {
  return (
    <section id="memberships">
      <h2>
        Memberships <span class="section-count figures">{rows.length}</span>
      </h2>
      {problem && <Alert kind="danger" title="Nothing was saved">{problem.message}</Alert>}
      {rows.length === 0
        ? <p class="section-note">The user is in no group yet, so there is nothing to sync.</p>
        : <MembershipTable path={path} rows={rows} groups={groups} side="organization" />}
      <form class="filter-form mt-3" method="post" action={path}>
        <OrganizationChoice
          name="organization"
          required
          error={problem?.fields.organization}
          choices={choices}
        />
        <Choice name="group" label="Group" error={problem?.fields.group} options={groups} />
        <button type="submit" class="btn btn-primary" name="action" value="add">
          <Icon name="plus-lg" /> Add membership
        </button>
      </form>
    </section>
  );
}
