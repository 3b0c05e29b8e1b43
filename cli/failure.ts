import { sqlError } from "../lib/db/mod.ts";
import { LockstepError } from "../lib/errors/mod.ts";
import { CliError, exitCode } from "./errors.ts";

/** What a command or a server ended with. */
export interface Failure {
  /** Whole sentences: what went wrong, and how to mend it where that is known. */
  message: string;
  /** The process's exit code. */
  code: number;
  /** Nobody foresaw it: where it happened is worth knowing. */
  unexpected?: boolean;
}

/** What is said of an error to who operates Lockstep. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CliError) return { message: error.message, code: error.code };
  if (error instanceof LockstepError) {
    const fields = (error.errors ?? []).filter(({ message }) => !error.message.includes(message));
    return {
      message: [error.message, ...fields.map(({ field, message }) => `  ${field}: ${message}`)]
        .join("\n"),
      code: error.code === "unavailable" ? exitCode.unreachable : exitCode.failed,
    };
  }
  return sqlFailure(error) ?? connectionFailure(error) ?? fileFailure(error) ?? {
    message: `It failed for a reason that was not foreseen: ${messageOf(error)}. With ` +
      "LOCKSTEP_LOG_LEVEL=debug it says where.",
    code: exitCode.failed,
    unexpected: true,
  };
}

/** A message without its final period. */
export function messageOf(error: unknown): string {
  const { code } = error as { code?: string };
  const text = error instanceof Error ? error.message || code || error.name : Deno.inspect(error);
  return text.replace(/\.$/, "");
}

/** Whether no byte more can be stored; by the system's word, or by that of the embedded database. */
export function isDiskFull(error: unknown): boolean {
  const { code, name, errno } = error as { code?: string; name?: string; errno?: number };
  // ENOSPC has this number in WebAssembly.
  return code === "53100" || code === "ENOSPC" || name === "ErrnoError" && errno === 51 ||
    /\(os error 28\)/.test(messageOf(error));
}

const diskFull: Failure = {
  message: "The disk is full. Make room on it, and do it again.",
  code: exitCode.failed,
};

function sqlFailure(error: unknown): Failure | undefined {
  const refused = sqlError(error);
  if (!refused) return;
  const { code, message } = refused;
  if (code === "53100") return diskFull;
  if ((error as { severity?: string }).severity === "FATAL") {
    return {
      message: `The database refuses the connection: ${message}. Check DATABASE_URL: host, port, ` +
        "name, user and password; lockstep doctor says more.",
      code: exitCode.unreachable,
    };
  }
  if (code === "25006") {
    return {
      message: "The database is read-only: it is a standby, or default_transaction_read_only is " +
        "on. Name the primary in DATABASE_URL, or switch that off.",
      code: exitCode.failed,
    };
  }
  if (code === "42501") {
    return {
      message:
        `The database refuses it to the role of DATABASE_URL: ${message}. Run: lockstep doctor`,
      code: exitCode.denied,
    };
  }
  if (/^(42|3F)/.test(code)) {
    return {
      message:
        `The database's tables are not those that this version expects: ${message}. If the ` +
        "schema lockstep is another program's, use a database of its own; if not, restore a backup.",
      code: exitCode.failed,
    };
  }
  return {
    message: `The database refuses it: ${message} (SQLSTATE ${code}).`,
    code: exitCode.failed,
  };
}

function connectionFailure(error: unknown): Failure | undefined {
  const code = (error as { code?: string })?.code ?? "";
  const lost =
    /^(ECONNREFUSED|ECONNRESET|ENOTFOUND|EHOSTUNREACH|ETIMEDOUT|CONNECT_TIMEOUT|CONNECTION_\w+|EAI_AGAIN)$/;
  if (!lost.test(code)) return;
  return {
    message:
      "The database cannot be reached. Check DATABASE_URL, and that PostgreSQL runs; lockstep " +
      "doctor says more.",
    code: exitCode.unreachable,
  };
}

/** What the system, Deno or the embedded database says of files. */
function fileFailure(error: unknown): Failure | undefined {
  if (!(error instanceof Error) && (error as { name?: string })?.name !== "ErrnoError") return;
  if (isDiskFull(error)) return diskFull;
  const message = messageOf(error);
  if (error instanceof Deno.errors.NotCapable) {
    const [, what = "what it needs"] = /"([^"]*)"/.exec(message) ?? [];
    return {
      message: `${what} is not open to this program: it uses ordinary files, where Deno's ` +
        "--allow options let it. Name another.",
      code: exitCode.failed,
    };
  }
  // Deno ends these with what was done to which file: `Is a directory (os error 21): open '/tmp'`.
  const code = (error as { code?: string }).code ?? "";
  if (/\(os error \d+\): \w+ '/.test(message) || /^E[A-Z0-9]+$/.test(code)) {
    return {
      message: `${message}. Check the path, and that this user may use it.`,
      code: exitCode.failed,
    };
  }
  if (message.startsWith("PGlite failed") || !(error instanceof Error)) {
    return {
      message: `The embedded database failed: ${message}. Check LOCKSTEP_DATA_DIR, that its disk ` +
        "has room and that this user may write there.",
      code: exitCode.failed,
    };
  }
}
