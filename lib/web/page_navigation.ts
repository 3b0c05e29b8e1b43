import type { AdminScope } from "../access/mod.ts";
import type { NavGroup } from "../ui/mod.ts";

/** Pages that are for staff alone. */
const staffPages = new Set(["/admin/settings"]);

/** The pages that somebody may see, as the sidebar and the search show them. */
export function navigationFor(scope: AdminScope): NavGroup[] {
  if ("all" in scope) return navigation;
  return navigation.map(({ label, items }) => ({
    label,
    items: items.filter(({ href }) => !staffPages.has(href)),
  }));
}

const navigation: NavGroup[] = [
  {
    label: "Overview",
    items: [{ label: "Dashboard", href: "/admin", icon: "speedometer2" }],
  },
  {
    label: "Data",
    items: [
      { label: "Records", href: "/admin/records", icon: "database" },
      { label: "Quarantine", href: "/admin/quarantine", icon: "shield-exclamation" },
    ],
  },
  {
    label: "Access",
    items: [
      { label: "Organizations", href: "/admin/organizations", icon: "building" },
      { label: "Users", href: "/admin/users", icon: "person" },
      { label: "Groups", href: "/admin/groups", icon: "people" },
      { label: "Permissions", href: "/admin/permissions", icon: "shield-check" },
      { label: "Filters", href: "/admin/filters", icon: "funnel" },
      { label: "Explain", href: "/admin/explain", icon: "eye" },
    ],
  },
  {
    label: "Sync",
    items: [
      { label: "Models", href: "/admin/models", icon: "table" },
      { label: "Devices", href: "/admin/devices", icon: "phone" },
      { label: "Logs", href: "/admin/logs", icon: "journal-text" },
      { label: "Metrics", href: "/admin/metrics", icon: "graph-up" },
    ],
  },
  {
    label: "Trust",
    items: [
      { label: "Audit trail", href: "/admin/audit", icon: "clock-history" },
      { label: "Jobs", href: "/admin/jobs", icon: "alarm" },
      { label: "Settings", href: "/admin/settings", icon: "sliders" },
      { label: "API", href: "/api/docs", icon: "braces" },
    ],
  },
];
