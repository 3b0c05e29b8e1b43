import OrganizationSwitch from "../../islands/OrganizationSwitch.tsx";
import QuickSearch from "../../islands/QuickSearch.tsx";
import RowHeight from "../../islands/RowHeight.tsx";
import ThemeSwitch from "../../islands/ThemeSwitch.tsx";
import { AccountMenu, Layout } from "../../lib/ui/mod.ts";
import { define, navigationFor } from "../../lib/web/mod.ts";

export default define.layout(function AdminLayout({ Component, state, url }) {
  const { user, scope, organizations, organization } = state.admin!;
  const path = url.pathname.replace(/(?<=.)\/$/, "");
  return (
    <Layout
      groups={navigationFor(scope)}
      path={path}
      topbarStart={organizations.length > 1
        ? (
          <OrganizationSwitch
            organizations={organizations.map(({ slug, name }) => ({ slug, name }))}
            chosen={organization?.slug ?? ""}
            path={path}
          />
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
