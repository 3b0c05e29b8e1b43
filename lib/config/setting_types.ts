import { z } from "zod";

/** Text that PostgreSQL and every client can hold: no NUL, no half of a surrogate pair. */
export function text(max: number, min = 0) {
  return z.string().min(min).max(max).refine(
    (value) => !value.includes("\0") && value.isWellFormed(),
    "Must be text without NUL characters and lone surrogates.",
  );
}

/** A whole number from `min` to `max`, both included. */
export function wholeNumber(min: number, max: number) {
  return z.int().min(min).max(max);
}
