import { Alert, Badge, Field, Icon } from "../../../../lib/ui/mod.ts";
import type { FormProblem, GroupChoice, MembershipRow } from "../../../../lib/web/mod.ts";

export interface UserMembershipsProps {
  path: string;
  rows: MembershipRow[];
  organizations: { id: number; name: string; slug: string }[];
  groups: GroupChoice[];
  problem?: FormProblem;
}

/** In which groups of which organizations a user is, and the forms that change it. */
export function UserMemberships(props: UserMembershipsProps) {
  const { path, rows, organizations, groups, problem } = props;
  const groupOptions = (chosen?: number) =>
    groups.map(({ id, name }) => (
      <option key={id} value={id} selected={id === chosen}>{name}</option>
    ));
  return (
    <section id="memberships">
      <h2>
        Memberships <span class="section-count figures">{rows.length}</span>
      </h2>
      {problem && <Alert kind="danger" title="Nothing was saved">{problem.message}</Alert>}
      {rows.length === 0
        ? <p class="section-note">The user is in no group yet, so there is nothing to sync.</p>
        : (
          <div class="table-responsive" tabIndex={0} role="region" aria-label="Memberships">
            <table class="table">
              <thead>
                <tr>
                  <th>Organization</th>
                  <th>Group</th>
                  <th>State</th>
                  <th>
                    <span class="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => {
                  const what = `${row.group_name} of ${row.organization_slug}`;
                  const hidden = (
                    <>
                      <input type="hidden" name="membership" value={row.id} />
                      <input type="hidden" name="version" value={row.version} />
                    </>
                  );
                  const button = (action: string, word: string, look = "outline-secondary") => (
                    <button
                      type="submit"
                      class={`btn btn-${look} btn-sm`}
                      name="action"
                      value={action}
                    >
                      {word}
                      <span class="visually-hidden">{` ${what}`}</span>
                    </button>
                  );
                  return (
                    <tr key={row.id}>
                      <td>
                        <a href={`/admin/organizations/${row.organization_id}`}>
                          {row.organization_slug}
                        </a>
                      </td>
                      <td>
                        <form class="inline-form" method="post" action={path}>
                          {hidden}
                          <select
                            class="form-select form-select-sm"
                            name="group"
                            aria-label={`Group in ${row.organization_slug}`}
                          >
                            {groupOptions(row.group_id)}
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
                          {row.is_active
                            ? button("suspend", "Suspend")
                            : button("resume", "Resume")}
                          {button("remove", "Remove", "outline-danger")}
                        </form>
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        )}
      <form class="filter-form mt-3" method="post" action={path}>
        <Field name="organization" label="Organization" error={problem?.fields.organization}>
          {(control) => (
            <select {...control} class="form-select">
              {organizations.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
            </select>
          )}
        </Field>
        <Field name="group" label="Group" error={problem?.fields.group}>
          {(control) => <select {...control} class="form-select">{groupOptions()}</select>}
        </Field>
        <button type="submit" class="btn btn-primary" name="action" value="add">
          <Icon name="plus-lg" /> Add membership
        </button>
      </form>
    </section>
  );
}
