import { CliError } from "./errors.ts";
import { writeWhole } from "./files.ts";

/** How far a transfer has come, kept in a file beside the data, so that it can go on. */
export class Resume<State extends object> {
  constructor(readonly file: string) {}

  async read(): Promise<State | undefined> {
    let text: string;
    try {
      text = await Deno.readTextFile(this.file);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    try {
      return JSON.parse(text);
    } catch {
      throw new CliError(`${this.file} is damaged. Start over with --restart.`);
    }
  }

  write(state: State): Promise<void> {
    return writeWhole(this.file, `${JSON.stringify(state)}\n`);
  }

  async remove(): Promise<void> {
    await Deno.remove(this.file).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

/** Opens a file to go on writing after `length`: what came later was not accounted for. */
export async function openAt(file: string, length: number): Promise<Deno.FsFile> {
  const opened = await Deno.open(file, { create: true, write: true, read: true });
  await opened.truncate(length);
  await opened.seek(length, Deno.SeekMode.Start);
  return opened;
}

/** Writes all bytes, where one `write` may take a part only. */
export async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  while (bytes.length > 0) bytes = bytes.subarray(await file.write(bytes));
}
