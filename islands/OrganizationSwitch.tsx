export interface OrganizationSwitchProps {
  organizations: { slug: string; name: string }[];
  /** The slug of the chosen one, empty for all. */
  chosen: string;
}

/** Chooses which organization the pages are about. */
export default function OrganizationSwitch({ organizations, chosen }: OrganizationSwitchProps) {
  return (
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
  );
}
