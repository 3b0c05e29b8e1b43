import { environmentVariables } from "../lib/config/mod.ts";
import type { Api } from "./api.ts";

/** What commands touch outside of themselves. Tests give another one. */
export interface Host {
  /** Writes results. */
  out(text: string): void;
  /** Writes messages, questions and progress. */
  err(text: string): void;
  /** Whether a person reads `out`, and `err`. */
  outIsTerminal: boolean;
  errIsTerminal: boolean;
  /** Width of the terminal in columns. */
  width: number;
  env(name: string): string | undefined;
  /** A line that a person types, or undefined where nobody can type. */
  ask(question: string): Promise<string | undefined>;
  askSecret(question: string): Promise<string | undefined>;
  readInput(): Promise<Uint8Array>;
  /** The application in this process, over the database that the environment names. */
  openLocal(as: string | undefined): Promise<Api>;
}

/** The terminal that this process runs in. */
export function terminalHost(openLocal: Host["openLocal"]): Host {
  const encoder = new TextEncoder();
  const write = (stream: { writeSync(bytes: Uint8Array): number }, text: string) => {
    let bytes = encoder.encode(text);
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
  };
  const typed = Deno.stdin.isTerminal();
  let variables: Record<string, string | undefined> | undefined;
  return {
    out: (text) => write(Deno.stdout, text),
    err(text) {
      try {
        write(Deno.stderr, text);
      } catch (error) {
        // Nobody reads it any more, which is no reason to end.
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      }
    },
    outIsTerminal: Deno.stdout.isTerminal(),
    errIsTerminal: Deno.stderr.isTerminal(),
    width: Deno.stderr.isTerminal() ? Deno.consoleSize().columns : 80,
    env: (name) => (variables ??= environmentVariables())[name] || undefined,
    ask: (question) => Promise.resolve(typed ? prompt(question) ?? "" : undefined),
    askSecret: (question) => typed ? readSecret(question, write) : Promise.resolve(undefined),
    readInput: () => new Response(Deno.stdin.readable).bytes(),
    openLocal,
  };
}

async function readSecret(
  question: string,
  write: (stream: typeof Deno.stderr, text: string) => void,
): Promise<string> {
  write(Deno.stderr, `${question} `);
  Deno.stdin.setRaw(true);
  try {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(256);
    let text = "";
    for (;;) {
      const length = await Deno.stdin.read(buffer);
      if (length === null) return text;
      for (const char of decoder.decode(buffer.subarray(0, length), { stream: true })) {
        if (char === "\r" || char === "\n") return text;
        if (char === "\x03") Deno.exit(130);
        text = char === "\x7f" || char === "\b" ? text.slice(0, -1) : text + char;
      }
    }
  } finally {
    Deno.stdin.setRaw(false);
    write(Deno.stderr, "\n");
  }
}
