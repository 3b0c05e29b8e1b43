import { documentAdmin, openApiDocument, syncPaths } from "../../../lib/web/mod.ts";
import { adminOperations } from "./admin.ts";

/** The documentation of every operation, by path and method. */
export const documentedPaths = { ...syncPaths, ...documentAdmin(adminOperations) };

let document: Record<string, unknown> | undefined;

/** The OpenAPI document, made once. */
export function apiDocument(origin: string): Record<string, unknown> {
  document ??= openApiDocument(documentedPaths, origin);
  return { ...document, servers: [{ url: origin }] };
}
