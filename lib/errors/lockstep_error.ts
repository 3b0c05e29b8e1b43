import type { ErrorCode } from "./codes.ts";
import { statusOf } from "./codes.ts";

/** One entry of the `errors` array of a problem document: where in the input, what, and how to mend it. */
export interface FieldProblem {
  /** Name of the input field, query parameter, header or configuration variable. */
  field: string;
  message: string;
  code?: string;
}

export interface ErrorOptions {
  /** Public extra members of the problem document, for example `organizations`. */
  extra?: Record<string, unknown>;
  errors?: FieldProblem[];
  headers?: Record<string, string>;
  /** Private: logged, never sent. */
  cause?: unknown;
  /** Overrides the status that belongs to the code. */
  status?: number;
}

/**
 * The one error class. `message` is public: it says what was wrong, with the value, and what would
 * be right. `cause` is private and only logged. Anything else that is thrown is answered as an
 * `internal_error` without its text.
 */
export class LockstepError extends Error {
  override readonly name = "LockstepError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly extra: Record<string, unknown>;
  readonly errors?: FieldProblem[];
  readonly headers: Record<string, string>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.status = options.status ?? statusOf[code];
    this.extra = options.extra ?? {};
    this.errors = options.errors;
    this.headers = options.headers ?? {};
  }
}
