/** Who somebody is, what they may do, and which rows they may see. @module */
export * from "./admin_scope.ts";
export * from "./authenticate.ts";
export * from "./change_password.ts";
export * from "./console.ts";
export * from "./data_filters.ts";
export { describeCondition, describeScope, operatorWords } from "./describe_scope.ts";
export { parseFilters, resolveFilters, variables } from "./filters.ts";
export * from "./explain_access.ts";
export { type Grant, type ModelAccess, variableValues } from "./grants.ts";
export * from "./groups.ts";
export { login } from "./login.ts";
export { purgeLoginAttempts } from "./login_limits.ts";
export {
  type Family,
  familyOf,
  type Lookup,
  lookups,
  type Operator,
  operatorsOf,
  splitOperator,
  type Transform,
  transformedFamily,
  transforms,
} from "./lookups.ts";
export * from "./membership.ts";
export * from "./memberships.ts";
export * from "./model_access.ts";
export * from "./organizations.ts";
export { OutsideIssuer, type OutsideIssuerOptions } from "./outside_issuer.ts";
export { checkNewPassword } from "./password_policy.ts";
export { hashPassword, isVerifiable, needsRehash, verifyPassword } from "./passwords.ts";
export * from "./permissions.ts";
export * from "./preview_access.ts";
export * from "./principal.ts";
export {
  listTokens,
  refreshTokens,
  revokeFamily,
  revokeRefreshToken,
  type TokenFamily,
} from "./refresh_tokens.ts";
export * from "./revocation.ts";
export {
  applyTemplate,
  copyRights,
  deletePermission,
  modelNamed,
  type RightsCell,
  type RightsPlace,
  setRights,
  updatePermission,
} from "./rights.ts";
export { regexProblem } from "./safe_regex.ts";
export * from "./scope.ts";
export * from "./sessions.ts";
export type { RowVersion } from "./stored_row.ts";
export * from "./subject.ts";
export * from "./templates.ts";
export { TokenKeys } from "./token_keys.ts";
export { type TokenAnswer, tokenResponse } from "./tokens.ts";
export { normalizeUsername } from "./username.ts";
export * from "./users.ts";
export * from "./tenant.ts";
export * from "./view_rows.ts";
