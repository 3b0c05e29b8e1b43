import { z } from "zod";

const longest = 500;
const mostRepetitions = 3;
const mostWays = 10_000;

/** A group that the walk is in: in how many ways, and whether in more than one, it can match. */
interface Group {
  branches: number;
  varies: boolean;
}

/**
 * Why `source` may not be used as a pattern, worded to follow the pattern; undefined when it may.
 *
 * JavaScript's engine backtracks, so that a pattern is safe only when no input makes it try too many
 * ways. They grow exponentially when something that can match in several ways is repeated (`(a+)+`,
 * `(a|a)*`, `(a?b?)*`) or when what a group matched is asked for again (`(a*)\1`): both are refused.
 * They grow with a power of the subject's length for repetitions in a row, and multiply for choices in
 * a row (`a?a?a?`): both are limited. Subjects are names of models, which are at most 200 characters
 * long.
 */
export function patternProblem(source: string): string | undefined {
  if (source.length > longest) {
    return `is ${source.length} characters long, the most is ${longest}`;
  }
  try {
    new RegExp(source, "u");
  } catch {
    return "is not a valid regular expression";
  }
  const groups: Group[] = [{ branches: 1, varies: false }];
  let [repetitions, ways] = [0, 1];
  let last: Group | undefined;
  for (let i = 0; i < source.length; i++) {
    const group = groups[groups.length - 1];
    const found = quantifierAt(source, i);
    if (found) {
      if (found.most > 1 && last?.varies) {
        return "repeats something that can match in several ways, which can take exponential time";
      }
      if (found.most > 1 && found.least !== found.most) repetitions++;
      if (found.most === 1) ways *= 2;
      group.varies ||= found.least !== found.most;
      i += found.length - 1;
      last = undefined;
    } else if (source[i] === "(") {
      groups.push({ branches: 1, varies: false });
      i += groupPrefix(source.slice(i)).length - 1;
    } else if (source[i] === ")") {
      last = groups.pop()!;
      ways *= last.branches;
      groups[groups.length - 1].varies ||= last.varies;
    } else if (source[i] === "|") {
      group.branches++;
      group.varies = true;
      last = undefined;
    } else {
      if (/^\\[1-9k]/.test(source.slice(i, i + 2))) {
        return "refers back to a group, which can take exponential time";
      }
      if (source[i] === "\\") i++;
      else if (source[i] === "[") i = classEnd(source, i);
      last = undefined;
    }
  }
  ways *= groups[0].branches;
  if (repetitions > mostRepetitions) {
    return `has ${repetitions} repetitions, the most is ${mostRepetitions}`;
  }
  if (ways > mostWays) return `has more than ${mostWays} combinations of choices`;
}

/** The `(` and what says of which kind the group is. */
function groupPrefix(rest: string): string {
  return /^\((?:\?(?:<?[=!]|[a-z-]*:|<[^>]*>))?/.exec(rest)![0];
}

function classEnd(source: string, start: number): number {
  let i = start + 1;
  while (source[i] !== "]") i += source[i] === "\\" ? 2 : 1;
  return i;
}

/** How often the quantifier that begins at `i` repeats, and its length, a lazy `?` included. */
function quantifierAt(source: string, i: number) {
  const found = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(source.slice(i, i + 30));
  if (!found) return;
  const [{ length }, from, comma, to] = found;
  if (from === undefined) {
    return {
      least: source[i] === "+" ? 1 : 0,
      most: source[i] === "?" ? 1 : Infinity,
      length,
    };
  }
  const least = Number(from);
  return { least, most: to ? Number(to) : comma ? Infinity : least, length };
}

/** A regular expression that is searched for in the name of a model, as by Python's `re.search`. */
export const pattern = z.string().min(1).superRefine((source, context) => {
  const problem = patternProblem(source);
  if (problem) {
    context.addIssue({
      code: "custom",
      message: `The pattern ${JSON.stringify(source)} ${problem}.`,
    });
  }
});
