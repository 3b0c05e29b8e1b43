import { z } from "zod";
import { type AdminScope, organizationIn, userEditableIn, userVisibleIn } from "../access/mod.ts";
import type { ListField, ListSource } from "./list_page.ts";

type AddParam = (value: unknown) => string;

const id: ListField = { sql: "t.id", type: "integer", sort: true };
const shown = (sql: string, more: Partial<ListField> = {}): ListField => ({
  sql,
  type: "text",
  ...more,
});
const time = (sql: string, more: Partial<ListField> = {}): ListField => ({
  sql,
  type: "time",
  filter: true,
  sort: !more.nullable || more.sortSql !== undefined,
  ...more,
});
const flag = (sql: string): ListField => ({ sql, type: "boolean", filter: true });
const number = (sql: string, more: Partial<ListField> = {}): ListField => ({
  sql,
  type: "integer",
  filter: true,
  ...more,
});
const early = (sql: string) => `coalesce(${sql}, '-infinity'::timestamptz)`;

const inOrganization = (scope: AdminScope, add: AddParam) =>
  organizationIn(scope, "t.organization_id", add);
const organization = {
  organization_id: number("t.organization_id"),
  organization_slug: shown("o.slug", { filter: true, search: true }),
};
const group = {
  group_id: number("t.group_id"),
  group_name: shown("g.name", { filter: true, sort: true, search: true }),
};
const user = {
  user_id: number("t.user_id"),
  username: shown("u.username", { filter: true, sort: true, search: true }),
};
const joinOrganization = "JOIN lockstep.organization o ON o.id = t.organization_id";
const joinGroup = "JOIN lockstep.auth_group g ON g.id = t.group_id";
const joinUser = "JOIN lockstep.app_user u ON u.id = t.user_id";

export const organizationList: ListSource = {
  from: "lockstep.organization t",
  fields: {
    id,
    name: shown("t.name", { sort: true, search: true }),
    slug: shown("t.slug", { filter: true, sort: true, search: true }),
    description: shown("t.description", { search: true }),
    is_active: flag("t.is_active"),
    members: number(
      `(SELECT count(DISTINCT m.user_id) FROM lockstep.user_organization m
        WHERE m.organization_id = t.id AND m.is_active)`,
      { filter: false },
    ),
    created_at: time("t.created_at"),
    updated_at: time("t.updated_at"),
  },
  key: { field: "id", type: "integer" },
  sort: "name",
  version: "t.xmin::text",
  within: (scope, add) => organizationIn(scope, "t.id", add),
};

export const userList: ListSource = {
  from: "lockstep.app_user t",
  fields: {
    id,
    username: shown("t.username", { filter: true, sort: true, search: true }),
    email: shown("t.email", { filter: true, sort: true, search: true }),
    first_name: shown("t.first_name", { sort: true, search: true }),
    last_name: shown("t.last_name", { sort: true, search: true }),
    is_active: flag("t.is_active"),
    is_staff: flag("t.is_staff"),
    is_superuser: flag("t.is_superuser"),
    avatar_url: shown("t.avatar_url", { nullable: true }),
    last_login: time("t.last_login", { nullable: true, sortSql: early("t.last_login") }),
    created_at: time("t.created_at"),
    updated_at: time("t.updated_at"),
  },
  key: { field: "id", type: "integer" },
  sort: "username",
  version: "t.xmin::text",
  within: (scope, add) => userVisibleIn(scope, "t.id", add),
};

export const groupList: ListSource = {
  from: "lockstep.auth_group t",
  fields: {
    id,
    name: shown("t.name", { filter: true, sort: true, search: true }),
    description: shown("t.description", { search: true }),
    created_at: time("t.created_at"),
  },
  key: { field: "id", type: "integer" },
  sort: "name",
  version: "t.xmin::text",
  // Groups are the same in every organization; what they may do is not.
  within: () => "TRUE",
};

export const membershipList: ListSource = {
  from: `lockstep.user_organization t ${joinOrganization} ${joinGroup} ${joinUser}`,
  fields: {
    id,
    ...user,
    ...organization,
    ...group,
    is_active: flag("t.is_active"),
    created_at: time("t.created_at"),
  },
  key: { field: "id", type: "integer" },
  sort: "username",
  version: "t.xmin::text",
  within: inOrganization,
};

export const permissionList: ListSource = {
  from: `lockstep.model_permission t ${joinOrganization} ${joinGroup}`,
  fields: {
    id,
    ...organization,
    ...group,
    model: shown("t.model_name", { filter: true, sort: true, search: true }),
    push: flag("t.can_push"),
    pull: flag("t.can_pull"),
    filters: { sql: "t.filters", type: "json", schema: z.unknown() },
    created_at: time("t.created_at"),
    updated_at: time("t.updated_at"),
  },
  key: { field: "id", type: "integer" },
  sort: "model",
  version: "t.xmin::text",
  within: inOrganization,
};

export const filterList: ListSource = {
  from: `lockstep.data_filter t ${joinOrganization} ${joinGroup}`,
  fields: {
    id,
    ...organization,
    ...group,
    model: shown("t.model_name", { filter: true, sort: true, search: true }),
    name: shown("t.filter_name", { filter: true, sort: true, search: true }),
    condition: { sql: "t.filter_condition", type: "json", schema: z.unknown() },
    is_active: flag("t.is_active"),
    created_at: time("t.created_at"),
    updated_at: time("t.updated_at"),
  },
  key: { field: "id", type: "integer" },
  sort: "model",
  version: "t.xmin::text",
  within: inOrganization,
};

export const sessionList: ListSource = {
  from: `lockstep.session t ${joinUser}`,
  fields: {
    id: { sql: "t.id", type: "uuid" },
    ...user,
    address: shown("t.address", { filter: true, search: true }),
    user_agent: shown("t.user_agent", { search: true }),
    created_at: time("t.created_at"),
    last_seen_at: time("t.last_seen_at"),
    expires_at: time("t.expires_at"),
  },
  key: { field: "id", type: "uuid" },
  sort: "-last_seen_at",
  within: (scope, add) => `t.expires_at > now() AND ${userEditableIn(scope, "t.user_id", add)}`,
};

export const tokenList: ListSource = {
  // One line for each login: the tokens that came of it are one family.
  from: `(SELECT r.family, r.user_id, max(r.organization_id) AS organization_id,
      max(r.device) AS device, min(r.created_at) AS created_at, max(r.created_at) AS refreshed_at,
      max(r.expires_at) AS expires_at
    FROM lockstep.refresh_token r
    GROUP BY r.family, r.user_id
    HAVING bool_or(r.used_at IS NULL AND r.revoked_at IS NULL AND r.expires_at > now())) t
    ${joinUser} LEFT JOIN lockstep.organization o ON o.id = t.organization_id`,
  fields: {
    id: { sql: "t.family", type: "uuid" },
    ...user,
    organization_id: number("t.organization_id", { nullable: true }),
    organization_slug: shown("o.slug", { nullable: true, filter: true }),
    device: shown("t.device", { filter: true, search: true }),
    created_at: time("t.created_at"),
    refreshed_at: time("t.refreshed_at"),
    expires_at: time("t.expires_at"),
  },
  key: { field: "id", type: "uuid" },
  sort: "-refreshed_at",
  within: (scope, add) => userEditableIn(scope, "t.user_id", add),
};

export const deviceList: ListSource = {
  from: `lockstep.device t ${joinOrganization} ${joinUser}`,
  fields: {
    id,
    name: shown("t.name", { filter: true, sort: true, search: true }),
    ...user,
    ...organization,
    client_version: shown("t.client_version", { filter: true, search: true }),
    first_seen_at: time("t.first_seen_at"),
    last_seen_at: time("t.last_seen_at"),
    last_push_at: time("t.last_push_at", { nullable: true, sortSql: early("t.last_push_at") }),
    last_pull_at: time("t.last_pull_at", { nullable: true, sortSql: early("t.last_pull_at") }),
    last_complete_at: time("t.last_complete_at", {
      nullable: true,
      sortSql: early("t.last_complete_at"),
      description: "When a pull last brought it to the state of the server.",
    }),
    last_error: shown("t.last_error", { search: true }),
    last_error_at: time("t.last_error_at", { nullable: true, sortSql: early("t.last_error_at") }),
    resync_requested_at: time("t.resync_requested_at", { nullable: true }),
    revoked_at: time("t.revoked_at", { nullable: true }),
    is_revoked: flag("(t.revoked_at IS NOT NULL)"),
  },
  key: { field: "id", type: "integer" },
  sort: "-last_seen_at",
  within: inOrganization,
};

export const quarantineList: ListSource = {
  from: `lockstep.quarantine t ${joinOrganization} LEFT ${joinUser}
    LEFT JOIN lockstep.app_user r ON r.id = t.resolved_by`,
  fields: {
    id,
    ...organization,
    user_id: number("t.user_id", { nullable: true }),
    username: shown("u.username", { nullable: true, filter: true, search: true }),
    device: shown("t.device", { filter: true, search: true }),
    model: shown("t.model_name", { filter: true, search: true }),
    code: shown("t.code", { filter: true }),
    field: shown("t.field"),
    message: shown("t.message", { search: true }),
    state: shown("t.state", {
      filter: true,
      schema: z.enum(["open", "replayed", "discarded"]),
    }),
    request_id: shown("t.request_id", { filter: true }),
    created_at: time("t.created_at"),
    resolved_at: time("t.resolved_at", { nullable: true }),
    resolved_by: shown("r.username", { nullable: true }),
  },
  key: { field: "id", type: "bigint" },
  sort: "-id",
  within: inOrganization,
};

export const syncLogList: ListSource = {
  from: `lockstep.sync_log t LEFT JOIN lockstep.organization o ON o.id = t.organization_id
    LEFT JOIN lockstep.app_user u ON u.id = t.user_id`,
  fields: {
    id: { sql: "t.id", type: "integer", sort: true },
    timestamp: time("t.timestamp"),
    operation: shown("t.operation", { filter: true, schema: z.enum(["PUSH", "PULL"]) }),
    status: shown("t.status", { filter: true, schema: z.enum(["SUCCESS", "ERROR", "WARNING"]) }),
    model: shown("t.model_name", { filter: true, search: true }),
    object_count: number("t.object_count", { filter: false, sort: true }),
    processing_time: {
      sql: "t.processing_time",
      type: "number",
      sort: true,
      description: "Seconds.",
    },
    error_message: shown("t.error_message", { search: true }),
    user_id: number("t.user_id", { nullable: true }),
    username: shown("u.username", { nullable: true, filter: true, search: true }),
    organization_id: number("t.organization_id", { nullable: true }),
    organization_slug: shown("o.slug", { nullable: true, filter: true }),
    device: shown("t.device", { filter: true, search: true }),
    request_id: shown("t.request_id", { filter: true }),
    request_data: { sql: "t.request_data", type: "json", schema: z.unknown() },
  },
  key: { field: "id", type: "bigint" },
  sort: "-id",
  within: inOrganization,
};

export const metricList: ListSource = {
  from: `lockstep.performance_metric t
    LEFT JOIN lockstep.organization o ON o.id = t.organization_id`,
  fields: {
    id: { sql: "t.id", type: "integer", sort: true },
    timestamp: time("t.timestamp"),
    operation_type: shown("t.operation_type", { filter: true }),
    model: shown("t.model_name", { filter: true, search: true }),
    organization_id: number("t.organization_id", { nullable: true }),
    organization_slug: shown("o.slug", { nullable: true, filter: true }),
    batch_size: number("t.batch_size", { filter: false, sort: true }),
    processing_time: {
      sql: "t.processing_time",
      type: "number",
      sort: true,
      description: "Seconds.",
    },
    memory_usage: { sql: "t.memory_usage", type: "number", nullable: true, description: "MiB." },
    query_count: number("t.query_count", { filter: false, sort: true }),
  },
  key: { field: "id", type: "bigint" },
  sort: "-id",
  within: inOrganization,
};
