import { parseEnv } from "node:util";
import { LockstepError } from "../errors/mod.ts";

/**
 * The process's environment over the variables of a `.env` file, where there is one. Read by the
 * program, and not by `deno --env-file`, so that the compiled executable does the same.
 *
 * @throws LockstepError `invalid_configuration` when the file is not UTF-8
 */
export function environmentVariables(path = ".env"): Record<string, string | undefined> {
  return { ...parseEnv(readText(path)), ...Deno.env.toObject() };
}

/** The text of a file without its byte order mark, or nothing where there is none. */
function readText(path: string): string {
  let bytes: Uint8Array;
  try {
    bytes = Deno.readFileSync(path);
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound;
    // A process that may not read the directory is configured by its environment alone.
    if (!absent && !(error instanceof Deno.errors.NotCapable)) throw error;
    return "";
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new LockstepError(
      "invalid_configuration",
      `The file ${path} is not UTF-8, so that its variables cannot be read. Save it as UTF-8.`,
      { cause },
    );
  }
}
