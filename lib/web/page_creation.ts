import { page } from "fresh";
import { requireAll } from "../access/mod.ts";
import type { Transaction } from "../db/mod.ts";
import { define } from "./define.ts";
import { changeByForm, type FormProblem, formProblem } from "./form_change.ts";
import { readForm } from "./page_form.ts";

/** The form of something that is created: as it was sent, and why nothing was saved. */
export interface Creation<Values> {
  values: Values;
  problem?: FormProblem;
}

/**
 * The handlers of a page on which staff create something that all organizations know.
 *
 * @param list the path of what is created; its own page is below it, by number
 * @param valuesOf reads the form; without fields, it is empty
 */
export function creationHandlers<Values>(
  title: string,
  list: string,
  valuesOf: (fields: URLSearchParams) => Values,
  create: (tx: Transaction, values: Values) => Promise<number>,
) {
  return define.handlers({
    GET(ctx) {
      ctx.state.title = title;
      requireAll(ctx.state.admin!.scope);
      return page<Creation<Values>>({ values: valuesOf(new URLSearchParams()) });
    },
    async POST(ctx) {
      ctx.state.title = title;
      requireAll(ctx.state.admin!.scope);
      const values = valuesOf(await readForm(ctx.req));
      try {
        const id = await changeByForm(ctx.state, (tx) => create(tx, values));
        return ctx.redirect(`${list}/${id}?saved=created`, 303);
      } catch (error) {
        const problem = formProblem(error);
        return page<Creation<Values>>({ values, problem }, { status: problem.status });
      }
    },
  });
}
