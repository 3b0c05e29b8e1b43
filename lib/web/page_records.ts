import type { Tenant } from "../access/mod.ts";
import type { Context } from "fresh";
import type { Connection } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Catalog, Model } from "../models/mod.ts";
import {
  labelColumn,
  readRecord,
  recordReach,
  type RecordWrite,
  scopeReach,
  type StoredRecord,
} from "../sync/mod.ts";
import type { State } from "./define.ts";
import { type AdminVisit, onlyOrganization } from "./page_admin.ts";

export const recordsPath = "/admin/records";

/** What a page on the records of a model works with. */
export interface RecordsVisit {
  catalog: Catalog;
  model: Model;
  reach: Tenant;
  /** Path of the model's list. */
  path: string;
  /** The organization of new rows; undefined when none is chosen, and in shared models. */
  organization?: AdminVisit["organization"];
  /** Whether rows of several organizations are shown side by side. */
  showsOrganization: boolean;
}

/** The organizations that a visit to the admin is about: the chosen one, or all that are administered. */
export async function visitReach(
  conn: Connection,
  { scope, organization }: Pick<AdminVisit, "scope" | "organization">,
): Promise<Tenant> {
  return organization
    ? recordReach(scope, [organization.id])
    : await scopeReach(conn, scope, { inactive: false });
}

/** Models whose rows a visit may see, by name. */
export function recordModels(catalog: Catalog, reach: Tenant): Model[] {
  return catalog.models
    .filter((model) => model.enabled && (model.tenantColumn !== null || reach.shared))
    .toSorted((a, b) => a.name < b.name ? -1 : 1);
}

/**
 * The model that the address names, for `ctx.state.admin`.
 *
 * @throws LockstepError `not_found`, `permission_denied` for a model that is shared by all organizations
 */
export async function recordsVisit(ctx: Context<State>): Promise<RecordsVisit> {
  const admin = ctx.state.admin!;
  const catalog = await ctx.state.services.catalog.current();
  const [app, name] = segments(ctx.url.pathname);
  const model = catalog.find(`${app}.${name}`);
  if (!model?.enabled) {
    throw new LockstepError(
      "not_found",
      `There is no model ${`${app}.${name}`.slice(0, 100)} with records to show.`,
    );
  }
  const reach = await visitReach(ctx.state.services.db, admin);
  if (model.tenantColumn === null && !reach.shared) {
    throw new LockstepError(
      "permission_denied",
      `${model.name} is shared by all organizations, so only staff may work with its records.`,
    );
  }
  const owned = model.tenantColumn !== null;
  const only = onlyOrganization(admin);
  return {
    catalog,
    model,
    reach,
    path: modelPath(model),
    organization: owned ? only : undefined,
    showsOrganization: owned && !only,
  };
}

/**
 * As `recordsVisit`, for the record that the address names. A link to a record leads staff there
 * whichever organization they have chosen before, unless it says one.
 */
export async function recordVisit(ctx: Context<State>): Promise<RecordsVisit> {
  const visit = await recordsVisit(ctx);
  const { scope, organization } = ctx.state.admin!;
  const { db } = ctx.state.services;
  if (!("all" in scope) || !organization || ctx.url.searchParams.has("organization")) return visit;
  if (await readRecord(db, visit.model, visit.reach, keyInPath(ctx.url.pathname))) return visit;
  return { ...visit, reach: await visitReach(db, { scope }) };
}

/** Who writes a model's records, for what `ctx.state` says. */
export function recordWrite(
  { state }: Context<State>,
  visit: RecordsVisit,
  guard?: RecordWrite["guard"],
): RecordWrite {
  const { user } = state.admin!;
  const { catalog, model, reach } = visit;
  const actor = {
    id: user.userId,
    name: user.username,
    source: "admin",
    requestId: state.requestId,
  };
  return {
    db: state.services.db,
    catalog,
    model,
    reach,
    actor: { ...actor, source: "admin" },
    guard,
  };
}

/** The two parts of a model's name, of which either may hold dots. */
export function modelSegments({ name }: Model): [app: string, own: string] {
  const quoted = name.indexOf('."');
  const cut = name.endsWith('"') && quoted > 0 ? quoted : name.lastIndexOf(".");
  return [name.slice(0, cut), name.slice(cut + 1)];
}

/** Path of a model's list of records. */
export function modelPath(model: Model): string {
  const [app, own] = modelSegments(model);
  return `${recordsPath}/${encodeURIComponent(app)}/${encodeURIComponent(own)}/`;
}

/** Path of a record's own pages. The values of a key of several columns are separated by commas. */
export function recordPath(model: Model, key: readonly string[], page = "change"): string {
  return `${modelPath(model)}${key.map(encodeURIComponent).join(",")}/${page}/`;
}

/** The key in the path of a record's page. The router's parameters have lost which commas were escaped. */
export function keyInPath(pathname: string): string[] {
  const part = pathname.split("/")[5] ?? "";
  return part.split(",").map(decoded);
}

function segments(pathname: string): [app: string, model: string] {
  const [app = "", model = ""] = pathname.slice(recordsPath.length + 1).split("/");
  return [decoded(app), decoded(model)];
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** What people call a record: by its name, else by its model and key. */
export function recordTitle(model: Model, { label, key }: StoredRecord): string {
  if (label !== key.join(", ") && !model.key.includes(labelColumn(model).name)) return label;
  return `${model.name.slice(model.name.lastIndexOf(".") + 1)} ${key.join(", ")}`;
}

/** The error for a record that is not there, or is another organization's. */
export function noRecord({ model }: RecordsVisit, key: readonly string[]): LockstepError {
  return new LockstepError(
    "not_found",
    `${model.name} has no record ${key.join(", ").slice(0, 100)} here.`,
  );
}

/** `customer_since` as people read it: `Customer since`. */
export function humanName(name: string): string {
  const words = name.replaceAll(/_+/g, " ").replace(/([a-z])([A-Z])/g, "$1 $2").trim() || name;
  return words === "id" ? "ID" : words[0].toUpperCase() + words.slice(1);
}
