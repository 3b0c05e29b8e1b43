import { z } from "zod";
import type { Catalog } from "../models/mod.ts";
import { parse } from "./parse.ts";

/** A text in the filter of a list. */
export const filterText = z.string().max(200)
  .refine((value) => !value.includes("\0"), "Must not contain NUL.");

/** A day in the filter of a list. */
export const filterDay = z.iso.date()
  .refine((value) => value >= "0001", "Must be a day after the year 0.");

/** The fields of an address that are not left empty. */
export function givenFields(params: URLSearchParams): Record<string, string> {
  return Object.fromEntries(
    [...params].map(([name, value]) => [name, value.trim()]).filter(([, value]) => value !== ""),
  );
}

/**
 * A reader of the filter in the query of an address; fields that are left empty do not count. It
 * throws LockstepError `invalid_value`.
 */
export function addressFilter<Filter>(
  query: z.ZodType<Filter>,
): (params: URLSearchParams) => Filter {
  return (params) => parse(query, givenFields(params));
}

/** The names of the models that can be synced, to choose from. */
export function modelNames({ models }: Catalog): string[] {
  return models.filter(({ enabled }) => enabled).map(({ name }) => name);
}

/** The beginning of the first day in UTC, and the end of the last. */
export function filterTimes(
  from: string | undefined,
  to: string | undefined,
): [from: string | undefined, to: string | undefined] {
  const midnight = (day: string, later: number) =>
    new Date(Date.parse(`${day}T00:00:00Z`) + later * 86_400_000).toISOString();
  return [from && midnight(from, 0), to && midnight(to, 1)];
}
