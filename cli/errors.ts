/** What the process ends with. Scripts rely on them: they are never renumbered. */
export const exitCode = {
  ok: 0,
  /** Something was refused, or a check failed. */
  failed: 1,
  /** The command line was wrong. */
  usage: 2,
  /** Not signed in, or not allowed. */
  denied: 3,
  notFound: 4,
  /** The server or the database cannot be reached. */
  unreachable: 5,
} as const;

/** Ends a command with a message for the person who typed it. */
export class CliError extends Error {
  override readonly name = "CliError";

  constructor(message: string, readonly code: number = exitCode.failed, cause?: unknown) {
    super(message, { cause });
  }
}

/** The error of a wrong command line. */
export function usage(message: string): CliError {
  return new CliError(message, exitCode.usage);
}
