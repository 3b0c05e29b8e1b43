import OrganizationSwitch from "../../islands/OrganizationSwitch.tsx";
import ThemeSwitch from "../../islands/ThemeSwitch.tsx";
import { AccountMenu, Layout, type NavGroup } from "../../lib/ui/mod.ts";
import { define } from "../../lib/web/mod.ts";

const groups: NavGroup[] = [
  {
    label: "Overview",
    items: [{ label: "Dashboard", href: "/admin", icon: "speedometer2" }],
  },
  {
    label: "Data",
    items: [{ label: "Records", href: "/admin/records", icon: "database" }],
  },
  {
    label: "Access",
    items: [{ label: "Permissions", href: "/admin/permissions", icon: "shield-check" }],
  },
  {
    label: "Sync",
    items: [
      { label: "Models", href: "/admin/models", icon: "table" },
      { label: "Devices", href: "/admin/devices", icon: "phone" },
      { label: "Logs", href: "/admin/logs", icon: "journal-text" },
    ],
  },
];

export default define.layout(function AdminLayout({ Component, state, url }) {
  const { user, organizations, organization } = state.admin!;
  const path = url.pathname.replace(/(?<=.)\/$/, "");
  return (
    <Layout
      groups={groups}
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
          <ThemeSwitch />
          <AccountMenu username={user.username} />
        </>
      }
    >
      <Component />
    </Layout>
  );
});
