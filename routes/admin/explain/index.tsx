import { page } from "fresh";
import { LockstepError } from "../../../lib/errors/mod.ts";
import {
  Alert,
  Badge,
  Choice,
  Field,
  Icon,
  PageHeader,
  Pagination,
  TextTable,
} from "../../../lib/ui/mod.ts";
import {
  cellText,
  decodeKey,
  define,
  encodeKey,
  explainLook,
  modelNames,
  onlyOrganization,
  type OrganizationChoices,
  organizationChoices,
  viewLook,
  visitActor,
} from "../../../lib/web/mod.ts";
import { OrganizationChoice } from "../(_form)/organization_choice.tsx";

type Explanation = Awaited<ReturnType<typeof explainLook>>;

interface Explain {
  asked: { user: string; organization: string; model: string; key: string };
  choices: OrganizationChoices;
  models: string[];
  explained?: Explanation;
  /** Rows that the user would pull, as cells of text. */
  rows?: { columns: string[]; cells: (string | null)[][]; next?: string };
  /** Why nothing is explained. */
  problem?: string;
}

const path = "/admin/explain";
const pageSize = 25;

export const handler = define.handlers({
  async GET(ctx) {
    const { services: { db, catalog: models }, admin } = ctx.state;
    const { scope } = admin!;
    ctx.state.title = "What can this user see?";
    const { searchParams } = ctx.url;
    const given = (name: string, most: number) =>
      (searchParams.get(name) ?? "").trim().slice(0, most).replaceAll("\0", "");
    const asked = {
      user: given("user", 150),
      organization: given("organization", 50) || (onlyOrganization(admin!)?.slug ?? ""),
      model: given("model", 200),
      key: given("key", 2000),
    };
    const catalog = await models.current();
    const shown: Explain = {
      asked,
      choices: organizationChoices(admin!),
      models: modelNames(catalog).sort(),
    };
    if (!asked.user || !asked.organization || !asked.model) return page<Explain>(shown);
    const looker = { db, scope, catalog, actor: visitActor(ctx.state) };
    try {
      const key = asked.key || undefined;
      shown.explained = await explainLook(looker, { ...asked, key });
      const after = searchParams.get("after");
      if (shown.explained.pull.allowed && key === undefined) {
        const view = await viewLook(looker, asked, {
          limit: pageSize,
          after: (columns) => after ? decodeKey(after, columns) : null,
        });
        const { columns } = catalog.find(asked.model)!;
        shown.rows = {
          columns: columns.map(({ name }) => name),
          cells: view.rows.map((text) => {
            const row = JSON.parse(text);
            return columns.map(({ name }) => cellText(row[name]));
          }),
          next: view.next ? encodeKey(view.next) : undefined,
        };
      }
      return page<Explain>(shown);
    } catch (error) {
      if (!(error instanceof LockstepError) || error.status >= 500) throw error;
      return page<Explain>({ ...shown, problem: error.message }, { status: error.status });
    }
  },
});

export default define.page<typeof handler>(function ExplainPage({ data }) {
  const { asked, choices, models, explained, rows, problem } = data;
  const next = rows?.next && `${path}?${new URLSearchParams({
    user: asked.user,
    organization: asked.organization,
    model: asked.model,
    after: rows.next,
  })}`;
  return (
    <>
      <PageHeader
        place={[{ label: "Access" }]}
        title="What can this user see?"
        description="Which rows somebody may push and pull, why, and the rows themselves as they would pull them. That you looked is kept in the audit trail."
      />
      <form class="filter-form" method="get" action={path}>
        <Field
          name="user"
          label="User"
          required
          placeholder="Username"
          autoComplete="off"
          value={asked.user}
        />
        <OrganizationChoice
          name="organization"
          required
          chosen={asked.organization}
          choices={choices}
        />
        <Choice name="model" label="Model" required chosen={asked.model} options={models} />
        <Field name="key" label="Key of one row" placeholder="Any row" value={asked.key} />
        <button type="submit" class="btn btn-primary">
          <Icon name="eye" /> Explain
        </button>
      </form>
      {problem && <Alert kind="danger" title="Nothing can be explained">{problem}</Alert>}
      {explained && <Answer explained={explained} />}
      {explained?.row && <OneRow row={explained.row} asked={asked.key} />}
      {rows && explained && (
        <section>
          <h2>
            As {explained.user.username} would pull {explained.model}
          </h2>
          <p class="section-note">Only to look at: {explained.pull.rows}.</p>
          {rows.cells.length === 0 ? <p>There is no such row.</p> : (
            <>
              <TextTable
                label={`Rows of ${explained.model}`}
                columns={rows.columns}
                rows={rows.cells}
              />
              <Pagination older={next} words={{ newer: "Previous", older: "Next" }} />
            </>
          )}
        </section>
      )}
    </>
  );
});

function Answer({ explained }: { explained: Explanation }) {
  const { notes, push, pull, groups } = explained;
  return (
    <section>
      <h2>{`${explained.user.username} in ${explained.organization.name}`}</h2>
      {notes.map((note) => <Alert key={note} kind="warning">{note}</Alert>)}
      <Right name="Pull" right={pull} />
      <Right name="Push" right={push} />
      <h3>By group</h3>
      {groups.length === 0
        ? <p class="section-note">No group gives a right on {explained.model}.</p>
        : (
          <ul class="explain-groups">
            {groups.map((group) => (
              <li key={group.name}>
                <strong>{group.name}</strong> {group.push && <Badge kind="success">Push</Badge>}
                {" "}
                {group.pull && <Badge kind="success">Pull</Badge>}
                {group.filters.length === 0 && " every row"}
                <ul>
                  {group.filters.map(({ name, conditions, problem }) => (
                    <li key={name}>
                      {name === "filters" ? "Filter of the permission" : `Filter “${name}”`}:{" "}
                      {problem ?? conditions.map(({ words }) => words).join(" and ")}
                    </li>
                  ))}
                </ul>
              </li>
            ))}
          </ul>
        )}
    </section>
  );
}

function Right({ name, right }: { name: string; right: Explanation["pull"] }) {
  return (
    <div class="explain-right">
      <p>
        {right.allowed
          ? <Badge kind="success">{name}: yes</Badge>
          : <Badge kind="warning">{name}: no</Badge>} {right.reason}
        {right.allowed && ` ${name}: ${right.rows}.`}
      </p>
      {right.allowed && (
        <details>
          <summary>The condition in SQL</summary>
          <pre class="sql-text" tabIndex={0}>{right.sql}</pre>
          {right.params.length > 0 && (
            <p class="section-note">
              With {right.params.map((value, i) => `$${i + 1} = ${JSON.stringify(value)}`)
                .join(", ")}
            </p>
          )}
        </details>
      )}
    </div>
  );
}

function OneRow({ row, asked }: { row: NonNullable<Explanation["row"]>; asked: string }) {
  return (
    <section>
      <h2>The row {asked}</h2>
      <p>
        {row.pull
          ? <Badge kind="success">Can be pulled</Badge>
          : <Badge kind="warning">Cannot be pulled</Badge>} {row.push
          ? <Badge kind="success">Can be pushed</Badge>
          : <Badge kind="warning">Cannot be pushed</Badge>}
      </p>
      <ul class="explain-groups">
        {row.groups.map((group) => (
          <li key={group.name}>
            <strong>{group.name}</strong>{" "}
            {group.holds ? "includes the row." : "does not include the row."}
            <ul>
              {group.filters.flatMap(({ name, conditions, problem }) =>
                problem
                  ? [<li key={name}>{problem}</li>]
                  : conditions.map(({ words, holds }) => (
                    <li key={`${name} ${words}`}>
                      <Icon
                        name={holds ? "check-lg" : "x-lg"}
                        label={holds ? "Holds:" : "Does not hold:"}
                      />{" "}
                      {words}
                    </li>
                  ))
              )}
            </ul>
          </li>
        ))}
      </ul>
    </section>
  );
}
