/**
 * Why a regular expression is refused, as the end of a sentence, or undefined when it is accepted.
 *
 * What is accepted is the part of PostgreSQL's advanced regular expressions (manual, section 9.7.3)
 * that its automaton decides in time proportional to the text: no back references, no repetition
 * of what already repeats without bound, small bounds. Within that part the syntax is checked in
 * full, because a pattern that PostgreSQL cannot compile would fail every pull.
 */
export function regexProblem(pattern: string): string | undefined {
  if (pattern.length > 500) return `has ${pattern.length} characters; at most 500 are allowed`;
  try {
    const reader = new Reader(pattern);
    alternation(reader, 0);
    if (!reader.done) {
      throw new Refusal(`closes a group at position ${reader.position} that is not open`);
    }
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
}

class Refusal extends Error {}

/** What a part of a pattern costs: whether it repeats without bound, and its most copies. */
interface Cost {
  unbounded: boolean;
  copies: number;
}

const maxCopies = 1_000;
const maxDepth = 20;

class Reader {
  position = 0;
  constructor(readonly text: string) {}
  get done() {
    return this.position >= this.text.length;
  }
  get next() {
    return this.text[this.position];
  }
  /** Takes `expected` if it comes next. */
  take(expected: string): boolean {
    if (!this.text.startsWith(expected, this.position)) return false;
    this.position += expected.length;
    return true;
  }
  match(pattern: RegExp): RegExpExecArray | null {
    const sticky = new RegExp(pattern, "yu");
    sticky.lastIndex = this.position;
    const found = sticky.exec(this.text);
    if (found) this.position = sticky.lastIndex;
    return found;
  }
}

function alternation(reader: Reader, depth: number): Cost {
  if (depth > maxDepth) throw new Refusal(`nests groups more than ${maxDepth} deep`);
  if (reader.next === "*") throw new Refusal("begins with a repetition of nothing");
  const cost = branch(reader, depth);
  while (reader.take("|")) add(cost, branch(reader, depth));
  return cost;
}

function branch(reader: Reader, depth: number): Cost {
  const cost = { unbounded: false, copies: 1 };
  while (!reader.done && reader.next !== "|" && reader.next !== ")") {
    add(cost, piece(reader, depth));
  }
  return cost;
}

function add(cost: Cost, more: Cost) {
  cost.unbounded ||= more.unbounded;
  cost.copies += more.copies;
  if (cost.copies > maxCopies) {
    throw new Refusal(`repeats its parts more than ${maxCopies} times in all`);
  }
}

function piece(reader: Reader, depth: number): Cost {
  const start = reader.position;
  if (reader.match(/\^|\$|\\[AmMyYZ]/)) {
    if (quantifier(reader)) throw new Refusal(`repeats a position of no width at ${start}`);
    return { unbounded: false, copies: 1 };
  }
  if (reader.match(/\(\?<?[=!]/)) {
    const cost = group(reader, depth);
    if (quantifier(reader)) throw new Refusal(`repeats a look-around at position ${start}`);
    return cost;
  }
  const inner = atom(reader, depth);
  const bound = quantifier(reader);
  if (!bound) return inner;
  if (quantifier(reader)) throw new Refusal(`repeats a repetition at position ${start}`);
  if (inner.unbounded && bound.high > 1) {
    throw new Refusal(
      `repeats at position ${start} a group that repeats without bound, which can take very long`,
    );
  }
  const cost = {
    unbounded: inner.unbounded || bound.high === Infinity,
    copies: inner.copies * Math.max(bound.high === Infinity ? bound.low : bound.high, 1),
  };
  add({ unbounded: false, copies: 0 }, cost);
  return cost;
}

function atom(reader: Reader, depth: number): Cost {
  const start = reader.position;
  const one = { unbounded: false, copies: 1 };
  if (reader.take("(")) {
    if (reader.next === "?" && !reader.take("?:")) {
      throw new Refusal(`uses a group at position ${start} that PostgreSQL does not know`);
    }
    return group(reader, depth);
  }
  if (reader.take("[")) {
    characterClass(reader, start);
    return one;
  }
  if (reader.take("\\")) {
    if (!reader.match(/[dDwWsStnrfv]|[^\p{L}\p{N}_\s]/u)) {
      throw new Refusal(`uses an escape at position ${start} that is not allowed in a filter`);
    }
    return one;
  }
  if (/[*+?{}\]]/.test(reader.next)) {
    throw new Refusal(
      `has "${reader.next}" at position ${start} where nothing precedes it to repeat`,
    );
  }
  reader.match(/./su);
  return one;
}

function group(reader: Reader, depth: number): Cost {
  const start = reader.position;
  const cost = alternation(reader, depth + 1);
  if (!reader.take(")")) throw new Refusal(`does not close the group at position ${start - 1}`);
  return cost;
}

function quantifier(reader: Reader): { low: number; high: number } | undefined {
  const found = reader.match(/([*+?]|\{(\d{1,3})(,)?(\d{1,3})?\})\??/);
  if (!found) return;
  const [, sign, low, comma, high] = found;
  if (sign === "*") return { low: 0, high: Infinity };
  if (sign === "+") return { low: 1, high: Infinity };
  if (sign === "?") return { low: 0, high: 1 };
  if (high && !comma) throw new Refusal(`has the bound ${sign}, which is not one`);
  const bound = { low: +low, high: high ? +high : comma ? Infinity : +low };
  if (bound.low > 255 || (bound.high !== Infinity && bound.high > 255)) {
    throw new Refusal(`has the bound ${sign}; at most 255 is allowed`);
  }
  if (bound.low > bound.high) throw new Refusal(`has the bound ${sign}, lowest above highest`);
  return bound;
}

const namedClasses =
  /\[:(alnum|alpha|blank|cntrl|digit|graph|lower|print|punct|space|upper|xdigit):\]/;

function characterClass(reader: Reader, start: number) {
  const refuse = (why: string) => new Refusal(`has a character class at position ${start} ${why}`);
  reader.take("^");
  let members = 0;
  while (!reader.take("]")) {
    if (reader.done) throw refuse("that is not closed");
    members++;
    if (reader.match(namedClasses) || reader.match(/\\[dws]/)) {
      if (reader.match(/-(?!\])/)) throw refuse("with a range that begins with a class");
      continue;
    }
    const low = classMember(reader);
    if (!low) throw refuse("with a member that is not allowed; escape it by a backslash");
    if (!reader.match(/-(?!\])/)) continue;
    const high = classMember(reader);
    if (!high || high.codePointAt(0)! < low.codePointAt(0)!) {
      throw refuse("with a range that runs backwards or ends with a class");
    }
  }
  if (members === 0) throw refuse("that is empty");
}

/** One character of a class, by itself or escaped. */
function classMember(reader: Reader): string | undefined {
  return reader.match(/\\([^\p{L}\p{N}_\s])|([^\\[\]-])|(-)(?=\])/u)?.slice(1).find(Boolean);
}
