import type { LogRecord, Sink, TextFormatter } from "@logtape/logtape";

/** A sink that tells whether its last lines were lost. */
export type DailyFile = Sink & AsyncDisposable & { fails(): boolean };

const dayMs = 86_400_000;
/** Lines that wait for the disk at most; older ones are dropped and counted. */
const maxWaiting = 10_000;

/**
 * A sink that appends to `<directory>/<name>` and at midnight (UTC) renames it to
 * `<name>.YYYY-MM-DD`, keeping `keepDays` of those. Several processes may share the directory.
 *
 * LogTape's own rotating sink ends the process when it cannot open the next file, and syncs the
 * disk on every flush; this one drops lines, reports once, and goes on when the disk is back.
 *
 * @throws when the file cannot be opened now.
 */
export function dailyFileSink(
  directory: string,
  name: string,
  formatter: TextFormatter,
  keepDays = 30,
  now: () => number = Date.now,
): DailyFile {
  const path = `${directory}/${name}`;
  const encoder = new TextEncoder();
  let waiting: string[] = [];
  let dropped = 0;
  let failed = false;
  let writing: Promise<void> | undefined;
  let file: Deno.FsFile | undefined = open();
  let day = dayOf(now());

  function open(): Deno.FsFile {
    Deno.mkdirSync(directory, { recursive: true });
    const modified = modificationTime(path);
    if (modified !== undefined && dayOf(modified) !== dayOf(now())) archive(dayOf(modified));
    return Deno.openSync(path, { create: true, append: true, mode: 0o640 });
  }

  function archive(day: string) {
    const target = `${path}.${day}`;
    // Another process that shares the directory may have done it.
    if (modificationTime(target) === undefined) Deno.renameSync(path, target);
    const oldest = dayOf(now() - keepDays * dayMs);
    for (const entry of Deno.readDirSync(directory)) {
      const date = entry.name.startsWith(`${name}.`) ? entry.name.slice(name.length + 1) : "";
      if (/^\d{4}-\d{2}-\d{2}$/.test(date) && date < oldest) {
        Deno.removeSync(`${directory}/${entry.name}`);
      }
    }
  }

  async function write() {
    // Collects what is logged in the same turn, and lets the caller keep this promise first.
    await Promise.resolve();
    while (waiting.length > 0) {
      const lines = waiting;
      waiting = [];
      try {
        if (file && dayOf(now()) !== day) {
          file.close();
          file = undefined;
        }
        file ??= open();
        day = dayOf(now());
        let bytes = encoder.encode(lines.join(""));
        while (bytes.length > 0) bytes = bytes.subarray(await file.write(bytes));
        if (dropped > 0) console.error(`${path} is written again; ${dropped} lines are missing`);
        dropped = 0;
        failed = false;
      } catch (error) {
        dropped += lines.length;
        if (!failed) console.error(`${path} cannot be written, its lines are dropped: ${error}`);
        failed = true;
      }
    }
    writing = undefined;
  }

  const sink = (record: LogRecord) => {
    if (waiting.length >= maxWaiting) {
      waiting.shift();
      dropped++;
    }
    waiting.push(formatter(record));
    writing ??= write();
  };
  return Object.assign(sink, {
    fails: () => failed,
    async [Symbol.asyncDispose]() {
      await writing;
      file?.close();
      file = undefined;
    },
  });
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

function modificationTime(path: string): number | undefined {
  try {
    return Deno.statSync(path).mtime?.getTime();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
