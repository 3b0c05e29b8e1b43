import { page, type RouteConfig } from "fresh";
import RecordForm from "../../../../../islands/RecordForm.tsx";
import RecordPicker from "../../../../../islands/RecordPicker.tsx";
import { LockstepError } from "../../../../../lib/errors/mod.ts";
import { createRecord } from "../../../../../lib/sync/mod.ts";
import {
  Alert,
  EmptyState,
  Icon,
  PageHeader,
  RecordField,
  recordFieldId,
  type RecordFieldView,
} from "../../../../../lib/ui/mod.ts";
import {
  define,
  type OrganizationChoices,
  organizationChoices,
  readRecordForm,
  recordFields,
  recordPath,
  recordsPath,
  recordsVisit,
  type RecordTexts,
  recordWrite,
} from "../../../../../lib/web/mod.ts";
import { OrganizationLinks } from "../../../(_form)/organization_links.tsx";

export const config: RouteConfig = { routeOverride: "/admin/records/:app/:model/add{/}?" };

interface Adding {
  model: string;
  path: string;
  /** Absent where the organization has to be chosen first. */
  fields?: RecordFieldView[];
  organization?: { slug: string; name: string };
  choices: OrganizationChoices;
  /** What was wrong with the record as a whole. */
  problem?: string;
  wrong: number;
}

type Visit = Awaited<ReturnType<typeof recordsVisit>>;
type Ctx = Parameters<typeof recordsVisit>[0];

export const handler = define.handlers({
  async GET(ctx) {
    const visit = await recordsVisit(ctx);
    return page<Adding>(await adding(ctx, visit, {}, new Map()));
  },
  async POST(ctx) {
    const visit = await recordsVisit(ctx);
    const { model, organization } = visit;
    if (visit.showsOrganization) return page<Adding>(await adding(ctx, visit, {}, new Map()));
    const form = await readRecordForm(ctx.req, model, true);
    let problem: string | undefined;
    if (form.problems.size === 0) {
      try {
        const key = await createRecord(
          recordWrite(ctx, visit),
          organization?.id ?? null,
          form.fields,
        );
        return ctx.redirect(`${recordPath(model, key)}?created`, 303);
      } catch (error) {
        if (!(error instanceof LockstepError) || error.status >= 500) throw error;
        for (const { field, message } of error.errors ?? []) form.problems.set(field, message);
        if (form.problems.size === 0) problem = error.message;
      }
    }
    const data = await adding(ctx, visit, form.texts, form.problems, problem);
    return page<Adding>(data, { status: 422 });
  },
});

async function adding(
  ctx: Ctx,
  visit: Visit,
  texts: RecordTexts,
  problems: Map<string, string>,
  problem?: string,
): Promise<Adding> {
  const { model, path, organization } = visit;
  ctx.state.title = `Add ${model.name}`;
  const state = {
    creating: true,
    organizationId: organization?.id ?? null,
    texts,
    base: {},
    problems,
  };
  return {
    model: model.name,
    path,
    fields: visit.showsOrganization
      ? undefined
      : await recordFields(ctx.state.services.db, visit, state),
    organization,
    choices: organizationChoices(ctx.state.admin!),
    problem,
    wrong: problems.size,
  };
}

export default define.page<typeof handler>(function AddRecordPage({ data }) {
  const { model, path, fields, organization, choices, problem, wrong } = data;
  return (
    <div class="page-narrow">
      <PageHeader
        place={[
          { label: "Data" },
          { label: "Records", href: recordsPath },
          { label: model, href: path },
        ]}
        title={`Add ${model}`}
        description={organization && `To ${organization.name}.`}
      />
      {fields === undefined
        ? (
          <EmptyState
            icon="building"
            title="To which organization?"
            action={<OrganizationLinks choices={choices} path={`${path}add/`} />}
          >
            A record belongs to one organization.
          </EmptyState>
        )
        : (
          <>
            {(problem || wrong > 0) && (
              <Alert kind="danger" title="The record was not added">
                {problem ?? `Mend the ${wrong === 1 ? "field" : `${wrong} fields`} marked below.`}
              </Alert>
            )}
            <form
              method="post"
              action={`${path}add/${
                organization ? `?organization=${encodeURIComponent(organization.slug)}` : ""
              }`}
              class="record-form"
            >
              {fields.map((field, i) => (
                <RecordField
                  key={field.name}
                  field={field}
                  index={i}
                  picker={field.reference && field.control === "reference" && (
                    <RecordPicker inputId={recordFieldId(i)} {...field.reference} />
                  )}
                />
              ))}
              <div class="save-bar">
                <button type="submit" class="btn btn-primary">
                  <Icon name="check-lg" /> Add record
                </button>
                <a class="btn btn-outline-secondary" href={path}>Cancel</a>
                <RecordForm counts={false} />
              </div>
            </form>
          </>
        )}
    </div>
  );
});
