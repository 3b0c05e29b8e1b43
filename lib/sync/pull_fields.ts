import { LockstepError } from "../errors/mod.ts";
import type { Catalog } from "../models/mod.ts";

/**
 * The columns that a pull asks for, by the names that its models are asked by.
 *
 * @throws LockstepError `invalid_value` for a model that is not asked for, or named twice
 */
export function pullFields(
  models: readonly string[],
  fields: Record<string, string[]>,
  catalog: Catalog,
): Map<string, string[]> {
  const meant = (name: string) => catalog.find(name)?.name ?? name.toLowerCase();
  const asked = new Map(models.map((name) => [meant(name), name]));
  const found = new Map<string, string[]>();
  for (const [name, columns] of Object.entries(fields)) {
    const model = asked.get(meant(name));
    if (model === undefined) {
      throw pullRefusal(
        `fields.${name}`,
        "Columns are chosen for models that are asked for alone.",
      );
    }
    if (found.has(model)) throw pullRefusal(`fields.${name}`, `${model} is named twice.`);
    found.set(model, columns);
  }
  return found;
}

/** The refusal of a member of the request, by its path. */
export function pullRefusal(path: string, message: string): LockstepError {
  const field = path.slice(0, 200);
  return new LockstepError("invalid_value", `${field}: ${message}`, {
    errors: [{ field, message }],
  });
}
