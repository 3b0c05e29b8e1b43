import { LockstepError } from "../errors/mod.ts";

export type JsonKind = "string" | "number" | "true" | "false" | "null" | "object" | "array";

/** One member of an object: its name, and the text of its value as the client wrote it. */
export interface Member {
  name: string;
  kind: JsonKind;
  /** JSON text; strings with their quotes, escapes not decoded. */
  raw: string;
}

/** A JSON object whose values are left as text, so that no digit of a number is lost. */
export interface RawObject {
  raw: string;
  members: Member[];
  /** A name that occurs more than once, which JSON leaves undefined. */
  repeated?: string;
  /** Why it cannot be a record, in words; then it has no members to go by. */
  problem?: string;
}

/** Deeper than any setting allows. What is nested beyond it is not read at all. */
const mostLevels = 1000;

/**
 * Reads JSON (RFC 8259) without turning values into JavaScript's: the body of a push is checked and
 * cut into records whose text goes on to PostgreSQL as it is. Strict: what `JSON.parse` refuses is
 * refused here.
 */
export class JsonScanner {
  readonly #text: string;
  readonly #maxDepth: number;
  #at = 0;
  /** Something was nested deeper than allowed. */
  #tooDeep = false;
  /** Names with their quotes and colons as the last record of a list had them: the next is alike. */
  #expected: { raw: string; name: string }[] = [];

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  /** Reads one object that is all of the text. */
  document(): RawObject {
    this.#space();
    const object = this.#object(1);
    this.#end();
    this.#refuseDeep();
    return object;
  }

  /** The same for a record: what is no object is one with a problem. */
  record(): RawObject {
    this.#space();
    const record = this.#record(1);
    this.#end();
    return record;
  }

  /**
   * Reads one object that is all of the text, and the records that its member `list` holds when that
   * is an array. The member itself is left without its text.
   */
  envelope(list: string): RawObject & { objects?: RawObject[] } {
    let objects: RawObject[] | undefined;
    this.#space();
    const envelope = this.#object(1, (name) => {
      if (name !== list || this.#text[this.#at] !== "[") return false;
      objects = this.#objects();
      return true;
    });
    this.#end();
    this.#refuseDeep();
    return { ...envelope, objects };
  }

  #end(): void {
    this.#space();
    if (this.#at < this.#text.length) throw this.#unexpected();
  }

  /** Reads an array of records that is all of the text. */
  objects(): RawObject[] {
    this.#space();
    return this.#objects();
  }

  #objects(): RawObject[] {
    const objects: RawObject[] = [];
    this.#expect("[");
    this.#space();
    if (this.#skip("]")) return objects;
    do {
      this.#space();
      objects.push(this.#record(2));
      this.#space();
    } while (this.#skip(","));
    this.#expect("]");
    return objects;
  }

  #record(depth: number): RawObject {
    if (this.#text[this.#at] === "{") return this.#judged(this.#object(depth));
    const start = this.#at;
    this.#value(depth);
    const raw = this.#text.slice(start, this.#at);
    this.#tooDeep = false;
    return { raw, members: [], problem: "The record is not a JSON object." };
  }

  #judged(record: RawObject): RawObject {
    if (this.#tooDeep) record.problem = this.#deep;
    this.#tooDeep = false;
    return record;
  }

  #refuseDeep(): void {
    if (this.#tooDeep) throw new LockstepError("malformed_json", this.#deep);
  }

  get #deep(): string {
    return `The JSON is nested deeper than ${this.#maxDepth} levels.`;
  }

  /** @param take reads the value of a member itself, or leaves it by false */
  #object(depth: number, take?: (name: string) => boolean): RawObject {
    const start = this.#at;
    if (this.#text[this.#at] !== "{") throw this.#unexpected("an object");
    this.#at++;
    const members: Member[] = [];
    const expected = this.#expected;
    const own: typeof expected = [];
    let alike = true;
    this.#space();
    if (!this.#skip("}")) {
      do {
        this.#space();
        let label = expected[members.length];
        if (alike && label !== undefined && this.#text.startsWith(label.raw, this.#at)) {
          this.#at += label.raw.length;
        } else {
          if (alike) own.push(...expected.slice(0, members.length));
          alike = false;
          label = this.#label();
        }
        if (!alike) own.push(label);
        const { name } = label;
        this.#space();
        const from = this.#at;
        if (take?.(name)) members.push({ name, kind: "array", raw: "" });
        else {
          const kind = this.#value(depth + 1);
          members.push({ name, kind, raw: this.#text.slice(from, this.#at) });
        }
        this.#space();
      } while (this.#skip(","));
      this.#expect("}");
    }
    const object: RawObject = { raw: this.#text.slice(start, this.#at), members };
    if (alike) return object;
    const repeated = repeatedName(own);
    if (repeated !== undefined) object.repeated = repeated;
    else this.#expected = own;
    return object;
  }

  /** A name and the colon after it. */
  #label(): { raw: string; name: string } {
    const from = this.#at;
    this.#string();
    const quoted = this.#text.slice(from, this.#at);
    this.#space();
    this.#expect(":");
    const raw = this.#text.slice(from, this.#at);
    return { raw, name: quoted.includes("\\") ? JSON.parse(quoted) : quoted.slice(1, -1) };
  }

  #value(depth: number): JsonKind {
    switch (this.#text.charCodeAt(this.#at)) {
      case 0x22:
        this.#string();
        return "string";
      case 0x7b:
        return this.#nested("{", "}", depth, "object");
      case 0x5b:
        return this.#nested("[", "]", depth, "array");
      case 0x74:
        return this.#word("true");
      case 0x66:
        return this.#word("false");
      case 0x6e:
        return this.#word("null");
      default:
        number.lastIndex = this.#at;
        if (!number.test(this.#text)) throw this.#unexpected("a value");
        this.#at = number.lastIndex;
        return "number";
    }
  }

  #string(): void {
    whole.lastIndex = this.#at;
    if (whole.test(this.#text)) {
      this.#at = whole.lastIndex;
      return;
    }
    if (this.#text.charCodeAt(this.#at) !== 0x22) throw this.#unexpected("a string");
    this.#at++;
    while (true) {
      plain.lastIndex = this.#at;
      plain.test(this.#text);
      this.#at = plain.lastIndex;
      if (this.#text.charCodeAt(this.#at) === 0x22) break;
      escape.lastIndex = this.#at;
      if (!escape.test(this.#text)) throw this.#unexpected("the end of a string");
      this.#at = escape.lastIndex;
    }
    this.#at++;
  }

  #nested<K extends JsonKind>(open: string, close: string, depth: number, kind: K): K {
    if (depth > this.#maxDepth) this.#tooDeep = true;
    if (depth > mostLevels) {
      throw new LockstepError(
        "malformed_json",
        `The JSON at character ${this.#at} is nested deeper than ${mostLevels} levels.`,
      );
    }
    this.#expect(open);
    this.#space();
    if (this.#skip(close)) return kind;
    do {
      this.#space();
      if (kind === "object") {
        this.#string();
        this.#space();
        this.#expect(":");
        this.#space();
      }
      this.#value(depth + 1);
      this.#space();
    } while (this.#skip(","));
    this.#expect(close);
    return kind;
  }

  #word<K extends JsonKind>(word: K): K {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected("a value");
    this.#at += word.length;
    return word;
  }

  #space(): void {
    while (true) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #expect(character: string): void {
    if (!this.#skip(character)) throw this.#unexpected(`"${character}"`);
  }

  #unexpected(wanted?: string): LockstepError {
    const found = this.#at < this.#text.length
      ? `the character ${JSON.stringify(this.#text[this.#at])}`
      : "its end";
    return new LockstepError(
      "malformed_json",
      `The JSON has ${found} at position ${this.#at}${wanted ? ` where ${wanted} belongs` : ""}.`,
    );
  }
}

function repeatedName(labels: { name: string }[]): string | undefined {
  const names = new Set<string>();
  for (const { name } of labels) {
    if (names.has(name)) return name;
    names.add(name);
  }
}

const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** A string without escapes. */
// deno-lint-ignore no-control-regex
const whole = /"[^"\\\x00-\x1f]*"/y;
// deno-lint-ignore no-control-regex
const plain = /[^"\\\x00-\x1f]*/y;
const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
