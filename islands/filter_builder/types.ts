/** A column that a condition may be about. */
export interface BuilderColumn {
  name: string;
  type: string;
  /** How values are written. */
  input: "text" | "number" | "boolean" | "choice" | "date";
  choices: string[];
  operators: string[];
}

/** One condition, as its controls hold it. */
export interface BuilderLine {
  field: string;
  operator: string;
  values: string[];
  negate: boolean;
}

/** What the filter would leave, and what saving it would change. */
export interface BuilderPreview {
  /** The rows in words. */
  words: string;
  /** Whose values were taken. */
  user?: string;
  /** Null when the rows were not counted. */
  count: number | null;
  isMore: boolean;
  columns: string[];
  rows: (string | null)[][];
  changes: {
    model: string;
    users: number;
    usernames: string[];
    gained: number | null;
    lost: number | null;
  }[];
  devices: { gain: number; lose: number };
  /** Why something is not known. */
  message: string;
}

/** What the operator does besides taking a part of a date. */
export function lookupOf(operator: string): string {
  return operator.slice(operator.lastIndexOf("__") < 0 ? 0 : operator.lastIndexOf("__") + 2);
}
