export interface OrganizationSwitchProps {
  organizations: { slug: string; name: string }[];
  /** The slug of the chosen one, empty for all. */
  chosen: string;
  /** Where to show the choice. */
  path: string;
}

/** Chooses which organization the pages are about. Without scripts it has a button. */
export default function OrganizationSwitch(
  { organizations, chosen, path }: OrganizationSwitchProps,
) {
  return (
    <form class="organization-switch" method="get" action={path}>
      <select
        class="form-select form-select-sm"
        name="organization"
        aria-label="Organization"
        onChange={(event) => event.currentTarget.form!.requestSubmit()}
      >
        <option value="" selected={chosen === ""}>All organizations</option>
        {organizations.map(({ slug, name }) => (
          <option value={slug} selected={slug === chosen}>{name}</option>
        ))}
      </select>
      <button type="submit" class="btn btn-outline-secondary btn-sm needs-no-script">Switch</button>
    </form>
  );
}
