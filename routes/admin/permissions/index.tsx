import { page } from "fresh";
import PermissionMatrix from "../../../islands/PermissionMatrix.tsx";
import { modelNamed, previewAccess, type RightsCell, setRights } from "../../../lib/access/mod.ts";
import { actorSettings } from "../../../lib/audit/mod.ts";
import { LockstepError } from "../../../lib/errors/mod.ts";
import { EmptyState, Icon, PageHeader } from "../../../lib/ui/mod.ts";
import {
  administeredOrganization,
  type AdminVisit,
  define,
  onlyOrganization,
  type OrganizationChoices,
  organizationChoices,
  permissionMatrix,
  readForm,
  type State,
} from "../../../lib/web/mod.ts";
import { OrganizationLinks } from "../(_form)/organization_links.tsx";
import { GroupChoice, GroupForm, type GroupFormProps } from "./(_form)/group_form.tsx";
import { choiceOf, digestOf, rowsOf, wantedRows } from "./(_form)/group_rows.ts";

type Organization = AdminVisit["organizations"][number];

interface Permissions {
  choices: OrganizationChoices;
  /** The one that the page is about; undefined until one is chosen. */
  organization?: Organization;
  matrix?: Awaited<ReturnType<typeof permissionMatrix>>;
  /** When the matrix was read, in milliseconds since 1970. */
  readAt: number;
  /** The rights of one group, for a browser without scripts. */
  form?: GroupFormProps;
}

const path = "/admin/permissions";

export const handler = define.handlers({
  async GET(ctx) {
    ctx.state.title = "Permissions";
    const { searchParams } = ctx.url;
    const shown = await read(ctx.state);
    const { matrix, organization } = shown;
    const group = matrix?.groups.find(({ id }) => String(id) === searchParams.get("group"));
    if (!matrix || !organization || !group) return page<Permissions>(shown);
    const rows = rowsOf(matrix, group.id);
    const digest = await digestOf(rows);
    const saved = searchParams.has("saved");
    return page<Permissions>({ ...shown, form: { organization, group, rows, digest, saved } });
  },

  async POST(ctx) {
    ctx.state.title = "Permissions";
    const { services: { db, catalog: models }, admin, requestId } = ctx.state;
    const fields = await readForm(ctx.req);
    const shown = await read(ctx.state, fields.get("organization") ?? "");
    const { matrix, organization } = shown;
    const group = matrix?.groups.find(({ id }) => String(id) === fields.get("group"));
    if (!matrix || !organization || !group) {
      throw new LockstepError(
        "not_found",
        "The form is of an organization or group that there is not. Open the page again.",
      );
    }
    const stored = rowsOf(matrix, group.id);
    const digest = await digestOf(stored);
    const rows = wantedRows(stored, fields);
    const again = (status: number, answer: Partial<GroupFormProps>) =>
      page<Permissions>({ ...shown, form: { organization, group, rows, digest, ...answer } }, {
        status,
      });
    if (fields.get("digest") !== digest) {
      return again(412, {
        problem:
          "Somebody changed permissions of this group since you opened the form, so nothing " +
          "was saved. Below is what you chose; look at it and save again.",
      });
    }

    const catalog = await models.current();
    const cells = rows.filter((row, i) =>
      row.push !== stored[i].push || row.pull !== stored[i].pull
    ).map((row): RightsCell => ({
      organizationId: organization.id,
      groupId: group.id,
      model: modelNamed(catalog, row.model),
      push: row.push,
      pull: row.pull,
      version: row.version,
    }));
    const choice = await choiceOf(rows);
    if (cells.length > 0 && fields.get("confirmed") !== choice) {
      const preview = await previewAccess(
        db,
        catalog,
        [organization.id],
        (tx) => setRights(tx, admin!.scope, cells),
      );
      const changes = preview.changes.filter(({ pull }) => pull.lost !== 0);
      if (changes.length > 0) return again(422, { losses: { ...preview, changes }, choice });
    }
    const { userId, username } = admin!.user;
    const actor = { id: userId, name: username, source: "admin", requestId } as const;
    await db.transaction(
      { settings: actorSettings(actor), retries: 3 },
      (tx) => setRights(tx, admin!.scope, cells),
    );
    const query = new URLSearchParams({
      organization: organization.slug,
      group: String(group.id),
      saved: "yes",
    });
    return ctx.redirect(`${path}?${query}`, 303);
  },
});

/** The matrix of the organization with that slug, or else of the one that is chosen. */
async function read(state: State, slug?: string): Promise<Permissions> {
  const { services, admin } = state;
  const { scope } = admin!;
  const organization = slug !== undefined
    ? await administeredOrganization(state, slug)
    : onlyOrganization(admin!);
  const catalog = await services.catalog.current();
  const readAt = Date.now();
  const matrix = organization &&
    await permissionMatrix(services.db, scope, catalog, organization.id);
  return { choices: organizationChoices(admin!), organization, matrix, readAt };
}

export default define.page<typeof handler>(function PermissionsPage({ data }) {
  const { choices, organization, matrix, readAt, form } = data;
  return (
    <>
      <PageHeader
        place={[{ label: "Access" }]}
        title="Permissions"
        description={organization
          ? `Which models each group of ${organization.name} may push and pull.`
          : "Which models each group of an organization may push and pull."}
      >
        <a
          class="btn btn-outline-secondary"
          href={`${path}/copy?${new URLSearchParams(
            organization ? { to: organization.slug } : {},
          )}`}
        >
          <Icon name="copy" /> Copy from another
        </a>
      </PageHeader>
      {!organization || !matrix
        ? (
          <EmptyState
            icon="building"
            title={choices.organizations.length > 0
              ? "Choose an organization"
              : "There is no organization yet"}
            action={<OrganizationLinks choices={choices} path={path} />}
          >
            {choices.organizations.length > 0
              ? "Each organization has permissions of its own."
              : "Permissions appear here with the first organization."}
          </EmptyState>
        )
        : matrix.models.length === 0
        ? (
          <EmptyState
            icon="table"
            title="No model takes part in the sync"
            action={<a class="btn btn-outline-secondary" href="/admin/models">Show models</a>}
          >
            Every table that can be synced appears here as soon as it is there.
          </EmptyState>
        )
        : matrix.groups.length === 0
        ? (
          <EmptyState icon="people" title="There are no groups yet">
            A group appears here as a column as soon as it is created.
          </EmptyState>
        )
        : (
          <>
            <PermissionMatrix
              key={organization.id}
              matrix={matrix}
              organization={organization.slug}
              readAt={readAt}
            />
            <div class="needs-no-script">
              <GroupChoice
                organization={organization}
                groups={matrix.groups}
                chosen={form?.group}
              />
              {form && <GroupForm {...form} />}
            </div>
          </>
        )}
    </>
  );
});
