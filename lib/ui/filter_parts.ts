/** A column that a condition of a row filter may be about. */
export interface FilterColumn {
  name: string;
  type: string;
  /** How values are written. */
  input: "text" | "number" | "boolean" | "choice" | "date";
  choices: string[];
  operators: string[];
}

/** One condition, as a form holds it. */
export interface FilterLine {
  field: string;
  operator: string;
  /** One text for each value. */
  values: string[];
  negate: boolean;
}

/** What a filter would leave, and what saving it would change. */
export interface FilterPreview {
  /** The rows in words, with the values of `user` where the filter names them. */
  words: string;
  /** Whose values were taken; undefined when the filter names none. */
  user?: string;
  /** Rows that it leaves, up to 10,000; null when they were not counted. */
  count: number | null;
  isMore: boolean;
  columns: string[];
  /** The first of them. */
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
