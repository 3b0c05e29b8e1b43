import { page } from "fresh";
import { Badge, EmptyState, Field, Icon, PageHeader } from "../../lib/ui/mod.ts";
import { define, type Found, searchAdmin } from "../../lib/web/mod.ts";

interface Search {
  q: string;
  found: Found[];
}

/** What the search of the top bar finds: a page, or with `format=json` the entries alone. */
export const handler = define.handlers({
  async GET(ctx) {
    ctx.state.title = "Search";
    const { searchParams } = ctx.url;
    const q = (searchParams.get("q") ?? "").trim().slice(0, 200);
    const found = await searchAdmin(ctx, q);
    return searchParams.get("format") === "json" ? ctx.json(found) : page<Search>({ q, found });
  },
});

export default define.page<typeof handler>(function SearchPage({ data: { q, found } }) {
  return (
    <div class="page-narrow">
      <PageHeader
        title="Search"
        description="Pages, models, organizations and users by name, and records by model and key, such as customer 42."
      />
      <form class="filter-form" method="get" action="/admin/search">
        <Field name="q" label="What you look for" type="search" value={q} />
        <button type="submit" class="btn btn-primary">
          <Icon name="search" /> Search
        </button>
      </form>
      {found.length === 0
        ? (
          <EmptyState
            icon="search"
            title={q === "" ? "Nothing was asked yet" : "Nothing has that name"}
          >
            Write a part of a name, or a model and a key.
          </EmptyState>
        )
        : (
          <ul class="plain-list">
            {found.map(({ kind, label, note, href }) => (
              <li key={href}>
                <Badge>{kind}</Badge>
                <a href={href}>{label}</a>
                <span>{note}</span>
              </li>
            ))}
          </ul>
        )}
    </div>
  );
});
