import type { OrganizationChoices } from "../../../lib/web/mod.ts";
import { OrganizationChoice } from "./organization_choice.tsx";

/** Leads to the page at `path` for one organization; a search where they are too many to list. */
export function OrganizationLinks(
  { choices, path }: { choices: OrganizationChoices; path: string },
) {
  if (choices.hasMore) {
    return (
      <form method="get" action={path} class="organization-search">
        <OrganizationChoice name="organization" required choices={choices} />
        <button type="submit" class="btn btn-primary">Go on</button>
      </form>
    );
  }
  return (
    <div class="organization-links">
      {choices.organizations.map(({ slug, name }) => (
        <a
          key={slug}
          class="btn btn-outline-secondary"
          href={`${path}?organization=${encodeURIComponent(slug)}`}
        >
          {name}
        </a>
      ))}
    </div>
  );
}
