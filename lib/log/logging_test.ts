import { setTimeout as delay } from "node:timers/promises";
import { expect } from "expect";
import type { LogRecord } from "@logtape/logtape";
import { cacheCounts, countCacheLookup } from "./cache_counts.ts";
import { dailyFileSink } from "./daily_file.ts";
import { jsonLine, plainLine } from "./format.ts";
import { logger, startLogging, stopLogging, withLogFields } from "./logging.ts";

const entry = {
  category: ["lockstep", "sync"],
  level: "info" as const,
  message: ["PUSH request from user ", "john_manager", " in ", "Acme Corporation", ": ", {
    data: [{ name: "Zoë", password: "hunter2" }],
  }, ""],
  rawMessage: "",
  timestamp: Date.UTC(2024, 0, 1, 12),
  properties: { request_id: "r1", level: "forged", database: "postgres://a:hunter2@b/c" },
};

Deno.test("plainLine() writes the line format of sb-sync, redacted", () => {
  expect(plainLine(entry)).toBe(
    "2024-01-01 12:00:00 - lockstep - INFO - PUSH request from user john_manager in " +
      'Acme Corporation: {"data":[{"name":"Zoë","password":"[redacted]"}]}\n',
  );
});

Deno.test("plainLine() keeps values from forging entries and shows errors with their cause", () => {
  const error = new Error("outer\nforged", { cause: new Error("password=hunter2") });
  const text = plainLine({ ...entry, message: ["a\nb\u001b[2J"], properties: { error } });
  const [first, ...rest] = text.trimEnd().split("\n");
  expect(first).toBe("2024-01-01 12:00:00 - lockstep - INFO - a\\u000ab\\u001b[2J");
  expect(rest.every((line) => line.startsWith("    "))).toBe(true);
  expect(text).toContain("Caused by: Error: password=[redacted]");
  expect(text).not.toContain("hunter2");
});

Deno.test("jsonLine() writes one object, in which no field takes the place of its own", () => {
  const text = jsonLine(entry);
  expect(text.indexOf("\n")).toBe(text.length - 1);
  expect(JSON.parse(text)).toEqual({
    timestamp: "2024-01-01T12:00:00.000Z",
    level: "info",
    logger: "lockstep.sync",
    message: "PUSH request from user john_manager in Acme Corporation: " +
      '{"data":[{"name":"Zoë","password":"[redacted]"}]}',
    request_id: "r1",
    database: "postgres://a:[redacted]@b/c",
  });
});

async function standardError(fn: () => Promise<void>): Promise<string[]> {
  const lines: string[] = [];
  const original = console.error;
  console.error = (line: string) => lines.push(line);
  try {
    await fn();
  } finally {
    console.error = original;
  }
  return lines;
}

const line = (text: string) => ({ ...entry, message: [text] });
const format = (record: { message: readonly unknown[] }) => `${record.message[0]}\n`;
const day = 86_400_000;

Deno.test("dailyFileSink() renames the file at midnight and keeps 30 days", async () => {
  const directory = await Deno.makeTempDir();
  const today = Date.now();
  const date = (time: number) => new Date(time).toISOString().slice(0, 10);
  for (const age of [30, 31, 400]) {
    await Deno.writeTextFile(`${directory}/x.log.${date(today - age * day)}`, "");
  }
  await Deno.writeTextFile(`${directory}/x.log.note`, "");
  let clock = today;
  {
    await using sink = dailyFileSink(directory, "x.log", format, 30, () => clock);
    sink(line("first"));
    sink(line("second"));
  }
  // Of the day that it was when this began.
  await Deno.utime(`${directory}/x.log`, new Date(today), new Date(today));
  {
    clock += day;
    await using sink = dailyFileSink(directory, "x.log", format, 30, () => clock);
    sink(line("third"));
  }
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
  expect(names).toEqual(["x.log", `x.log.${date(today)}`, "x.log.note"].sort());
  expect(await Deno.readTextFile(`${directory}/x.log.${date(today)}`)).toBe("first\nsecond\n");
  expect(await Deno.readTextFile(`${directory}/x.log`)).toBe("third\n");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("dailyFileSink() goes on while it runs when the day changes and the directory vanishes", async () => {
  const directory = await Deno.makeTempDir();
  let clock = Date.now();
  {
    await using sink = dailyFileSink(directory, "x.log", format, 30, () => clock);
    sink(line("lost"));
    await Deno.remove(directory, { recursive: true });
    clock += day;
    sink(line("kept"));
  }
  expect(await Deno.readTextFile(`${directory}/x.log`)).toContain("kept\n");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("dailyFileSink() drops what it cannot write, says so once, and goes on later", async () => {
  const directory = await Deno.makeTempDir();
  let clock = Date.now();
  const reports = await standardError(async () => {
    await using sink = dailyFileSink(`${directory}/logs`, "x.log", format, 30, () => clock);
    await Deno.remove(`${directory}/logs`, { recursive: true });
    await Deno.writeTextFile(`${directory}/logs`, "in the way");
    clock += day;
    for (const text of ["a", "b"]) {
      sink(line(text));
      // A file that cannot be opened is given up before the next turn.
      await delay(0);
    }
    await Deno.remove(`${directory}/logs`);
    sink(line("c"));
  });
  expect(await Deno.readTextFile(`${directory}/logs/x.log`)).toBe("c\n");
  expect(reports).toHaveLength(2);
  expect(reports[0]).toContain("cannot be written");
  expect(reports[1]).toContain("2 lines are missing");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("startLogging() writes entries with their context to the file, from the level on", async () => {
  const directory = await Deno.makeTempDir();
  const printed = await standardError(async () => {
    await startLogging({ logLevel: "warning", logFormat: "json", logDir: directory });
    await withLogFields({ request_id: "r7" }, async () => {
      await Promise.resolve();
      logger("sync").warning("Slow push of {model}", { model: "myapp.Customer" });
      logger("sync").info("unseen");
    });
    await stopLogging();
  });
  const entries = (await Deno.readTextFile(`${directory}/lockstep.log`)).trimEnd().split("\n");
  expect(printed).toHaveLength(1);
  expect(entries.map((text) => JSON.parse(text))).toMatchObject([{
    level: "warning",
    logger: "lockstep.sync",
    message: "Slow push of myapp.Customer",
    model: "myapp.Customer",
    request_id: "r7",
  }]);
  await Deno.remove(directory, { recursive: true });
});

Deno.test({
  name: "startLogging() without the right to write logs to standard error and says so",
  permissions: { read: true, write: false, env: true },
  async fn() {
    const lines = await standardError(async () => {
      await startLogging({ logLevel: "info", logFormat: "line", logDir: "logs-refused" });
      logger("x").info("still here");
      await stopLogging();
    });
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain(
      "WARNING - The log directory logs-refused cannot be written (NotCap",
    );
    expect(lines[1]).toContain("INFO - still here");
  },
});

Deno.test("countCacheLookup() counts hits and misses", () => {
  const before = cacheCounts();
  countCacheLookup(true);
  countCacheLookup(true);
  countCacheLookup(false);
  expect(cacheCounts()).toEqual({ hits: before.hits + 2, misses: before.misses + 1 });
});

Deno.test("dailyFileSink() says that it loses lines", async () => {
  const directory = await Deno.makeTempDir();
  // A full disk, whose file is as old as the system.
  await Deno.symlink("/dev/full", `${directory}/x.log`);
  const { mtime } = await Deno.stat("/dev/full");
  const sink = dailyFileSink(directory, "x.log", () => "line\n", 30, () => mtime!.getTime());
  expect(sink.fails()).toBe(false);
  sink({} as LogRecord);
  await sink[Symbol.asyncDispose]();
  expect(sink.fails()).toBe(true);
  await Deno.remove(directory, { recursive: true });
});
