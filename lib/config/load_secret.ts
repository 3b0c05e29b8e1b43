import { LockstepError } from "../errors/mod.ts";
import type { Environment } from "./environment.ts";
import type { Secret } from "./variables.ts";

/**
 * The keys that sign tokens: those of `LOCKSTEP_SECRET`, or else one that is made on the first call
 * and kept in `<data dir>/secret`, readable by the owner alone.
 *
 * @throws LockstepError `invalid_configuration` when the file can neither be read nor made.
 */
export async function loadSecret(
  env: Pick<Environment, "secrets" | "dataDir">,
): Promise<readonly Secret[]> {
  if (env.secrets) return env.secrets;
  const path = `${env.dataDir}/secret`;
  try {
    const secret = await stored(path) ?? await create(env.dataDir, path);
    if (secret.length >= 32) return [{ kid: "default", secret }];
  } catch (cause) {
    throw new LockstepError(
      "invalid_configuration",
      `The secret file ${path} can neither be read nor made. Give this process access to the ` +
        "directory, or set LOCKSTEP_SECRET.",
      { errors: [{ field: "LOCKSTEP_SECRET", message: `${path} is not accessible.` }], cause },
    );
  }
  throw new LockstepError(
    "invalid_configuration",
    `The secret file ${path} holds fewer than 32 characters. Delete it, so that a new one is made ` +
      "and everybody signs in again, or set LOCKSTEP_SECRET.",
    { errors: [{ field: "LOCKSTEP_SECRET", message: `${path} is damaged.` }] },
  );
}

async function stored(path: string): Promise<string | undefined> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function create(directory: string, path: string): Promise<string> {
  await Deno.mkdir(directory, { recursive: true });
  const secret = crypto.getRandomValues(new Uint8Array(48)).toBase64({ alphabet: "base64url" });
  const draft = `${path}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(draft, `${secret}\n`, { createNew: true, mode: 0o600 });
  try {
    // A link appears complete or not at all: of two processes that start together, the second
    // reads what the first made.
    await Deno.link(draft, path);
    return secret;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return await stored(path) ?? "";
    throw error;
  } finally {
    await Deno.remove(draft);
  }
}
