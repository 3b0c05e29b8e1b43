/** Rights on a model that an administrator picks by name. */
export const permissionTemplates = {
  read_only: { push: false, pull: true },
  read_write: { push: true, pull: true },
  full_access: { push: true, pull: true },
  no_access: { push: false, pull: false },
} as const;

export type PermissionTemplate = keyof typeof permissionTemplates;

/** The groups of a new installation, what they are for, and their rights on every model. */
export const defaultGroups: readonly {
  name: string;
  description: string;
  template: PermissionTemplate;
}[] = [
  {
    name: "Administrators",
    description: "Full access to all data, and administration of their organization.",
    template: "full_access",
  },
  { name: "Managers", description: "Push and pull all data.", template: "read_write" },
  { name: "Users", description: "Push and pull data.", template: "read_write" },
  { name: "Analysts", description: "Pull data only.", template: "read_only" },
  { name: "Sales", description: "Push and pull sales data.", template: "read_write" },
  { name: "Support", description: "Push and pull support data.", template: "read_write" },
  { name: "Read Only", description: "Pull data only.", template: "read_only" },
];
