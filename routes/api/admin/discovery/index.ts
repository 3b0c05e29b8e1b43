import {
  adminHandlers,
  catalogSchema,
  define,
  modelView,
  operation,
} from "../../../../lib/web/mod.ts";

export const operations = {
  GET: operation({
    summary: "What discovery found, and why it leaves models out",
    tag: "Discovery",
    access: "staff",
    answer: catalogSchema,
    run: ({ catalog: { fingerprint, models, warnings } }) =>
      Promise.resolve({
        fingerprint,
        items: models.map((model) => modelView(model, true)),
        warnings,
      }),
  }),
};

export const handler = define.handlers(adminHandlers(operations));
