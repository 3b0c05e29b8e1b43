import type { Context } from "fresh";
import { modelNamed, notFound } from "../access/mod.ts";
import type { Catalog, Model } from "../models/mod.ts";
import type { State } from "./define.ts";
import { rowNumber } from "./form_change.ts";
import { fieldProblem } from "./form_membership.ts";
import { readItem } from "./list_page.ts";
import { groupList } from "./list_sources.ts";
import { administeredOrganization, onlyOrganization } from "./page_admin.ts";
import { type FilterTarget, readFilterTarget } from "./page_filters.ts";

/** What a filter's form is about, and the model that it is for. */
export interface FilterVisit {
  catalog: Catalog;
  target: FilterTarget;
  model: Model;
}

/**
 * The filter that an address names, or with `new` the data filter to be that `params` describe:
 * `organization` (or the one that is chosen), `group_id` and `model`.
 *
 * @throws LockstepError `not_found`, `unknown_model`, `invalid_value`
 */
export async function filterVisit(
  { state }: Pick<Context<State>, "state">,
  name: string,
  params: URLSearchParams,
): Promise<FilterVisit> {
  const { services: { db, catalog: models }, admin } = state;
  const { scope } = admin!;
  const catalog = await models.current();
  if (name !== "new") {
    const target = await readFilterTarget(db, scope, name);
    return { catalog, target, model: modelNamed(catalog, target.model) };
  }
  const slug = params.get("organization");
  const organization = slug
    ? await administeredOrganization(state, slug)
    : onlyOrganization(admin!);
  if (!organization) throw fieldProblem("organization", "Choose the organization of the filter.");
  const id = rowNumber(params.get("group_id"));
  const group = id && await readItem(db, scope, groupList, id);
  if (!group) throw notFound("group", params.get("group_id") ?? "");
  const model = modelNamed(catalog, params.get("model") ?? "");
  return {
    catalog,
    model,
    target: {
      kind: "filter",
      version: "*",
      organization,
      group: { id: group.id as number, name: group.name as string },
      model: model.name,
      name: "",
      condition: [],
      isActive: true,
    },
  };
}

/** The filter as a form would make it. */
export function targetOfForm(target: FilterTarget, fields: URLSearchParams): FilterTarget {
  return {
    ...target,
    name: fields.get("name") ?? target.name,
    isActive: fields.has("has.is_active") ? fields.has("is_active") : target.isActive,
  };
}
