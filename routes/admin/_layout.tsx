import OrganizationInput from "../../islands/OrganizationInput.tsx";
import OrganizationSwitch from "../../islands/OrganizationSwitch.tsx";
import QuickSearch from "../../islands/QuickSearch.tsx";
import RowHeight from "../../islands/RowHeight.tsx";
import ThemeSwitch from "../../islands/ThemeSwitch.tsx";
import { AccountMenu, Layout } from "../../lib/ui/mod.ts";
import { define, navigationFor } from "../../lib/web/mod.ts";

export default define.layout(function AdminLayout({ Component, state, url }) {
  const { user, scope, organizations, organization, hasMore } = state.admin!;
  const chosen = organization?.slug ?? "";
  const path = url.pathname.replace(/(?<=.)\/$/, "");
  return (
    <Layout
      groups={navigationFor(scope)}
      path={path}
      topbarStart={organizations.length > 1
        ? (
          <form class="organization-switch" method="get" action={path}>
            {hasMore
              ? (
                <OrganizationInput
                  id="organization-switch"
                  name="organization"
                  class="form-control-sm"
                  aria-label="Organization"
                  placeholder="All organizations"
                  chosen={chosen}
                  submits
                />
              )
              : <OrganizationSwitch organizations={organizations} chosen={chosen} />}
            <button type="submit" class="btn btn-outline-secondary btn-sm needs-no-script">
              Switch
            </button>
          </form>
        )
        : <span class="text-truncate">{organizations[0]?.name}</span>}
      topbarEnd={
        <>
          <QuickSearch />
          <ThemeSwitch />
          <AccountMenu username={user.username} />
        </>
      }
      sidebarEnd={<RowHeight />}
    >
      <Component />
    </Layout>
  );
});
