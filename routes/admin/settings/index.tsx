import { page } from "fresh";
import { requireAll } from "../../../lib/access/mod.ts";
import { loadSettings, resetSettings } from "../../../lib/db/mod.ts";
import { Alert, Badge, Icon, PageHeader, Table } from "../../../lib/ui/mod.ts";
import {
  changeByForm,
  define,
  readForm,
  readSections,
  sectionTexts,
  settingFields,
  settingsChanged,
  visitActor,
} from "../../../lib/web/mod.ts";

interface Settings {
  sections: { name: keyof typeof sectionTexts; settings: number; changed: string[] }[];
  isReset: boolean;
  /** Resetting is asked for and has to be confirmed. */
  isAsked: boolean;
}

const path = "/admin/settings";

export const handler = define.handlers({
  async GET(ctx) {
    requireAll(ctx.state.admin!.scope);
    ctx.state.title = "Settings";
    const { searchParams } = ctx.url;
    const { db } = ctx.state.services;
    const sections = await readSections(db, await loadSettings(db));
    return page<Settings>({
      sections: sections.map((section) => ({
        name: section.section as keyof typeof sectionTexts,
        settings: settingFields(section).length,
        changed: section.stored,
      })),
      isReset: searchParams.has("reset"),
      isAsked: searchParams.has("ask"),
    });
  },
  async POST(ctx) {
    requireAll(ctx.state.admin!.scope);
    const { db } = ctx.state.services;
    if ((await readForm(ctx.req)).get("confirmed") !== "yes") {
      return ctx.redirect(`${path}?ask=reset`, 303);
    }
    await changeByForm(ctx.state, (tx) => resetSettings(tx));
    await settingsChanged({ ...ctx.state.services, db }, visitActor(ctx.state));
    return ctx.redirect(`${path}?reset=yes`, 303);
  },
});

export default define.page<typeof handler>(function SettingsPage({ data }) {
  const { sections, isReset, isAsked } = data;
  const changed = sections.reduce((sum, section) => sum + section.changed.length, 0);
  const words = changed === 1 ? "1 setting is" : `${changed} settings are`;
  return (
    <>
      <PageHeader
        place={[{ label: "Trust" }]}
        title="Settings"
        description={changed === 0
          ? "Everything is as it was installed."
          : `${words} not left to the default.`}
      >
        <a class="btn btn-outline-secondary" href={`${path}/history`}>
          <Icon name="clock-history" /> History
        </a>
        <a class="btn btn-outline-secondary" href={`${path}/export`}>
          <Icon name="download" /> Export
        </a>
        <a class="btn btn-outline-secondary" href={`${path}/import`}>
          <Icon name="upload" /> Import
        </a>
      </PageHeader>
      {isReset && <Alert kind="success">Every setting has its default again.</Alert>}
      {isAsked && changed > 0 && (
        <form method="post" action={path}>
          <Alert
            kind="warning"
            title={`Reset ${changed === 1 ? "1 setting" : `${changed} settings`}?`}
          >
            {sections.flatMap(({ name, changed }) => changed.map((key) => `${name}.${key}`))
              .join(", ")} {changed === 1 ? "gets its default" : "get their defaults"}{" "}
            again. The history keeps what they were.
          </Alert>
          <input type="hidden" name="confirmed" value="yes" />
          <p class="page-actions">
            <button type="submit" class="btn btn-danger">Reset them</button>
            <a class="btn btn-outline-secondary" href={path}>Change nothing</a>
          </p>
        </form>
      )}
      <Table
        label="Sections of settings"
        head={["Section", { words: "Settings", number: true }, "Changed"]}
      >
        {sections.map(({ name, settings, changed }) => (
          <tr key={name}>
            <td class="cell-text">
              <a href={`${path}/${name}`}>{sectionTexts[name].title}</a>
              <small class="d-block">{sectionTexts[name].about}</small>
            </td>
            <td class="text-end">{settings}</td>
            <td class="cell-text">
              {changed.length === 0 ? "—" : (
                <>
                  <Badge kind="info">{changed.length}</Badge> <small>{changed.join(", ")}</small>
                </>
              )}
            </td>
          </tr>
        ))}
      </Table>
      {changed > 0 && !isAsked && (
        <form method="post" action={path} class="mt-3">
          <button type="submit" class="btn btn-outline-danger">
            Reset all settings to their defaults
          </button>
        </form>
      )}
    </>
  );
});
