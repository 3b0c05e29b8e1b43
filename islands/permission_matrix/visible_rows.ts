import type { Change, MatrixStore } from "./matrix_store.ts";

/** A line of the matrix: the head of a schema, or a model. */
export type Row = SchemaHead | { model: number };

export interface SchemaHead {
  schema: string;
  /** Places of its models, folded or not. */
  models: number[];
  folded: boolean;
}

export interface VisibleRows {
  rows: Row[];
  /** Places of the models that the search leaves, folded ones too. */
  models: number[];
}

/** The lines that a search leaves, by schema; while something is searched for, nothing is folded. */
export function visibleRows(
  store: MatrixStore,
  search: string,
  folded: ReadonlySet<string>,
): VisibleRows {
  const wanted = search.trim().toLowerCase();
  const models = store.models.keys().filter((model) =>
    store.models[model].name.toLowerCase().includes(wanted)
  ).toArray();
  const schemas = Map.groupBy(models, (model) => schemaOf(store.models[model].name));
  const rows = [...schemas].flatMap(([schema, inside]): Row[] => {
    const isFolded = wanted === "" && folded.has(schema);
    return [
      { schema, models: inside, folded: isFolded },
      ...(isFolded ? [] : inside.map((model) => ({ model }))),
    ];
  });
  return { rows, models };
}

export function schemaOf(modelName: string): string {
  return modelName.slice(0, modelName.indexOf("."));
}

export type Tri = "all" | "some" | "none";

/** Which part of the rights that there can be is granted. */
export function triOf(store: MatrixStore, models: number[], columns: number[]): Tri {
  let granted = 0;
  let possible = 0;
  for (const model of models) {
    for (const column of columns) {
      const right = store.right(model, column);
      if (!store.possible(right)) continue;
      possible++;
      if (store.granted(right)) granted++;
    }
  }
  return granted === 0 ? "none" : granted === possible ? "all" : "some";
}

/** Everything to grant, or, when everything is granted, everything to take. */
export function toggled(store: MatrixStore, models: number[], columns: number[]): Change[] {
  const value = triOf(store, models, columns) !== "all";
  return models.flatMap((model) =>
    columns.map((column) => ({ right: store.right(model, column), value }))
  );
}

export const templates = [
  { name: "read_only", label: "Read only", hint: "Pull", push: false, pull: true },
  { name: "read_write", label: "Read and write", hint: "Push and pull", push: true, pull: true },
  { name: "full_access", label: "Full access", hint: "Push and pull", push: true, pull: true },
  { name: "no_access", label: "No access", hint: "Neither", push: false, pull: false },
] as const;

export type Template = typeof templates[number];

/** The rights of a group by a template; the filters stay. */
export function byTemplate(
  store: MatrixStore,
  models: number[],
  group: number,
  { push, pull }: Template,
): Change[] {
  return models.flatMap((model) => [
    { right: store.right(model, group * 2), value: push && store.models[model].writable },
    { right: store.right(model, group * 2 + 1), value: pull },
  ]);
}
