import { skipSpace, valueEnd } from "./json_text.ts";
import type { JsonKind, ValueProblem } from "./value_problem.ts";

/** PostgreSQL's `MAXDIM`. */
const mostDimensions = 6;

/**
 * Checks each element of a JSON array and that nested ones make a block, as `json_to_recordset` wants
 * it: the depth of the first element that is no array holds for all, and arrays side by side have
 * the same length. `uneven` tells of the latter.
 */
export function arrayProblem(
  raw: string,
  element: (kind: JsonKind, raw: string) => ValueProblem | undefined,
  uneven: (why: string) => ValueProblem,
): ValueProblem | undefined {
  const lengths: number[] = [];
  let leaves = -1;

  /** Returns the index after the array that begins at `i`, or what is wrong with it. */
  function walk(i: number, depth: number): number | ValueProblem {
    if (depth >= mostDimensions) return uneven(`at most ${mostDimensions} dimensions`);
    let count = 0;
    i = skipSpace(raw, i + 1);
    while (raw[i] !== "]") {
      if (raw[i] === "[" && leaves !== depth) {
        const end = walk(i, depth + 1);
        if (typeof end !== "number") return end;
        i = end;
      } else {
        if (leaves < 0) leaves = depth;
        else if (leaves !== depth) return uneven("arrays that are nested evenly");
        const end = valueEnd(raw, i);
        const problem = element(kindAt(raw[i]), raw.slice(i, end));
        if (problem) return problem;
        i = end;
      }
      count++;
      i = skipSpace(raw, i);
      if (raw[i] === ",") i = skipSpace(raw, i + 1);
    }
    if ((lengths[depth] ??= count) !== count) return uneven("nested arrays of equal length");
    return i + 1;
  }

  const end = walk(skipSpace(raw, 0), 0);
  return typeof end === "number" ? undefined : end;
}

function kindAt(first: string): JsonKind {
  switch (first) {
    case '"':
      return "string";
    case "t":
      return "true";
    case "f":
      return "false";
    case "n":
      return "null";
    case "{":
      return "object";
    case "[":
      return "array";
    default:
      return "number";
  }
}
