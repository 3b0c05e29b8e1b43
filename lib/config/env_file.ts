import { parseEnv } from "node:util";

/**
 * The process's environment over the variables of a `.env` file, where there is one. Read by the
 * program, and not by `deno --env-file`, so that the compiled executable does the same.
 */
export function environmentVariables(path = ".env"): Record<string, string | undefined> {
  let file = "";
  try {
    file = Deno.readTextFileSync(path);
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound;
    // A process that may not read the directory is configured by its environment alone.
    if (!absent && !(error instanceof Deno.errors.NotCapable)) throw error;
  }
  return { ...parseEnv(file), ...Deno.env.toObject() };
}
