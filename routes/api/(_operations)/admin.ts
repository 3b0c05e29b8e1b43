/** Every route of the admin API with its operations, for their documentation. @module */
import type { AdminOperations } from "../../../lib/web/mod.ts";
import { operations as auditId } from "../admin/audit/[id]/index.ts";
import { operations as auditIdRevert } from "../admin/audit/[id]/revert.ts";
import { operations as auditExport } from "../admin/audit/export.ts";
import { operations as audit } from "../admin/audit/index.ts";
import { operations as auditVerify } from "../admin/audit/verify.ts";
import { operations as devicesIdAllow } from "../admin/devices/[id]/allow.ts";
import { operations as devicesId } from "../admin/devices/[id]/index.ts";
import { operations as devicesIdResync } from "../admin/devices/[id]/resync.ts";
import { operations as devicesIdRevoke } from "../admin/devices/[id]/revoke.ts";
import { operations as devices } from "../admin/devices/index.ts";
import { operations as discovery } from "../admin/discovery/index.ts";
import { operations as discoveryPreview } from "../admin/discovery/preview.ts";
import { operations as explain } from "../admin/explain.ts";
import { operations as filtersId } from "../admin/filters/[id].ts";
import { operations as filters } from "../admin/filters/index.ts";
import { operations as groupsId } from "../admin/groups/[id].ts";
import { operations as groupsDefaults } from "../admin/groups/defaults.ts";
import { operations as groups } from "../admin/groups/index.ts";
import { operations as jobsBulkIdCancel } from "../admin/jobs/bulk/[id]/cancel.ts";
import { operations as jobsBulkIdRetry } from "../admin/jobs/bulk/[id]/retry.ts";
import { operations as jobsBulk } from "../admin/jobs/bulk/index.ts";
import { operations as jobsName } from "../admin/jobs/[name]/index.ts";
import { operations as jobsNameRun } from "../admin/jobs/[name]/run.ts";
import { operations as jobs } from "../admin/jobs/index.ts";
import { operations as jobsReport } from "../admin/jobs/report.ts";
import { operations as logs } from "../admin/logs.ts";
import { operations as me } from "../admin/me.ts";
import { operations as membershipsId } from "../admin/memberships/[id].ts";
import { operations as memberships } from "../admin/memberships/index.ts";
import { operations as metrics } from "../admin/metrics.ts";
import { operations as modelsName } from "../admin/models/[name].ts";
import { operations as models } from "../admin/models/index.ts";
import { operations as organizationsId } from "../admin/organizations/[id].ts";
import { operations as organizations } from "../admin/organizations/index.ts";
import { operations as performance } from "../admin/performance.ts";
import { operations as permissionsId } from "../admin/permissions/[id].ts";
import { operations as permissionsCopy } from "../admin/permissions/copy.ts";
import { operations as permissions } from "../admin/permissions/index.ts";
import { operations as permissionsMatrix } from "../admin/permissions/matrix.ts";
import { operations as permissionsTemplate } from "../admin/permissions/template.ts";
import { operations as recordsModelKey } from "../admin/records/[model]/[key].ts";
import { operations as sessionsId } from "../admin/sessions/[id].ts";
import { operations as sessions } from "../admin/sessions/index.ts";
import { operations as settingsSectionKey } from "../admin/settings/[section]/[key].ts";
import { operations as settingsSection } from "../admin/settings/[section]/index.ts";
import { operations as settingsExport } from "../admin/settings/export.ts";
import { operations as settingsHistory } from "../admin/settings/history.ts";
import { operations as settingsImport } from "../admin/settings/import.ts";
import { operations as settings } from "../admin/settings/index.ts";
import { operations as settingsReset } from "../admin/settings/reset.ts";
import { operations as settingsSummary } from "../admin/settings/summary.ts";
import { operations as settingsValidate } from "../admin/settings/validate.ts";
import { operations as tokensId } from "../admin/tokens/[id].ts";
import { operations as tokens } from "../admin/tokens/index.ts";
import { operations as usersId } from "../admin/users/[id]/index.ts";
import { operations as usersIdPassword } from "../admin/users/[id]/password.ts";
import { operations as usersIdRevoke } from "../admin/users/[id]/revoke.ts";
import { operations as users } from "../admin/users/index.ts";
import { operations as viewAs } from "../admin/view-as.ts";

export const adminOperations: Record<string, AdminOperations> = {
  "/api/admin/audit/{id}": auditId,
  "/api/admin/audit/{id}/revert": auditIdRevert,
  "/api/admin/audit/export": auditExport,
  "/api/admin/audit": audit,
  "/api/admin/audit/verify": auditVerify,
  "/api/admin/devices/{id}/allow": devicesIdAllow,
  "/api/admin/devices/{id}": devicesId,
  "/api/admin/devices/{id}/resync": devicesIdResync,
  "/api/admin/devices/{id}/revoke": devicesIdRevoke,
  "/api/admin/devices": devices,
  "/api/admin/discovery": discovery,
  "/api/admin/discovery/preview": discoveryPreview,
  "/api/admin/explain": explain,
  "/api/admin/filters/{id}": filtersId,
  "/api/admin/filters": filters,
  "/api/admin/groups/{id}": groupsId,
  "/api/admin/groups/defaults": groupsDefaults,
  "/api/admin/groups": groups,
  "/api/admin/jobs/bulk/{id}/cancel": jobsBulkIdCancel,
  "/api/admin/jobs/bulk/{id}/retry": jobsBulkIdRetry,
  "/api/admin/jobs/bulk": jobsBulk,
  "/api/admin/jobs/{name}": jobsName,
  "/api/admin/jobs/{name}/run": jobsNameRun,
  "/api/admin/jobs": jobs,
  "/api/admin/jobs/report": jobsReport,
  "/api/admin/logs": logs,
  "/api/admin/me": me,
  "/api/admin/memberships/{id}": membershipsId,
  "/api/admin/memberships": memberships,
  "/api/admin/metrics": metrics,
  "/api/admin/models/{name}": modelsName,
  "/api/admin/models": models,
  "/api/admin/organizations/{id}": organizationsId,
  "/api/admin/organizations": organizations,
  "/api/admin/performance": performance,
  "/api/admin/permissions/{id}": permissionsId,
  "/api/admin/permissions/copy": permissionsCopy,
  "/api/admin/permissions": permissions,
  "/api/admin/permissions/matrix": permissionsMatrix,
  "/api/admin/permissions/template": permissionsTemplate,
  "/api/admin/records/{model}/{key}": recordsModelKey,
  "/api/admin/sessions/{id}": sessionsId,
  "/api/admin/sessions": sessions,
  "/api/admin/settings/{section}/{key}": settingsSectionKey,
  "/api/admin/settings/{section}": settingsSection,
  "/api/admin/settings/export": settingsExport,
  "/api/admin/settings/history": settingsHistory,
  "/api/admin/settings/import": settingsImport,
  "/api/admin/settings": settings,
  "/api/admin/settings/reset": settingsReset,
  "/api/admin/settings/summary": settingsSummary,
  "/api/admin/settings/validate": settingsValidate,
  "/api/admin/tokens/{id}": tokensId,
  "/api/admin/tokens": tokens,
  "/api/admin/users/{id}": usersId,
  "/api/admin/users/{id}/password": usersIdPassword,
  "/api/admin/users/{id}/revoke": usersIdRevoke,
  "/api/admin/users": users,
  "/api/admin/view-as": viewAs,
};
