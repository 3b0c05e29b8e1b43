import { z } from "zod";
import { notFound } from "../access/mod.ts";
import type { Transaction } from "../db/mod.ts";
import { type AdminCall, type AdminOperation, operation } from "./admin_operation.ts";
import {
  itemSchema,
  listPage,
  type ListQuery,
  listQuery,
  type ListSource,
  pageSchema,
  readItem,
} from "./list_page.ts";

/** The number of a row, in a body. */
export const rowId = z.int().min(1).max(2_147_483_647);

/** Parameters of a path that ends in the number of an event. */
export const eventParams = z.object({
  id: z.string().regex(/^[1-9]\d{0,14}$/, "Must be a positive whole number.").transform(Number)
    .pipe(z.int()),
});
/** Parameters of a path that ends in the number of a row. */
export const idParams = z.object({
  id: z.string().regex(/^[1-9]\d{0,8}$/, "Must be a positive whole number.").transform(Number)
    .pipe(z.int()),
});
/** Parameters of a path that ends in a UUID. */
export const uuidParams = z.object({ id: z.uuid() });

interface Documented {
  summary: string;
  description?: string;
  tag: string;
}

/** The operation that lists a source, page by page. */
export function listOperation(source: ListSource, documented: Documented): AdminOperation {
  return operation({
    ...documented,
    access: "administrators",
    query: listQuery(source),
    answer: pageSchema(itemSchema(source)),
    run: ({ ctx, scope, query }) =>
      listPage(ctx.state.services.db, scope, source, query as ListQuery),
  });
}

/** The operation that reads one object of a source. */
export function readOperation(
  source: ListSource,
  what: string,
  documented: Documented,
): AdminOperation {
  return operation({
    ...documented,
    access: "administrators",
    params: idParams,
    answer: itemSchema(source),
    run: (call) => itemOf(call, source, what, call.params.id),
  });
}

/** @throws LockstepError `not_found` when the caller's scope does not hold it */
export async function itemOf(
  { ctx, scope }: Pick<AdminCall<unknown, unknown, unknown>, "ctx" | "scope">,
  source: ListSource,
  what: string,
  id: number | string,
): Promise<Record<string, unknown>> {
  const item = await readItem(ctx.state.services.db, scope, source, id);
  if (!item) throw notFound(what, id);
  return item;
}

/** The organization of an object that a path names, for a preview of its change. */
export function organizationOf(
  call: Pick<AdminCall<{ id: number }, unknown, unknown>, "ctx" | "scope" | "params">,
  source: ListSource,
  what: string,
): (tx: Transaction) => Promise<number[]> {
  return async (tx) => {
    const item = await readItem(tx, call.scope, source, call.params.id);
    if (!item) throw notFound(what, call.params.id);
    return [item.organization_id as number];
  };
}
