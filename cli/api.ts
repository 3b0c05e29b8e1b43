import { CliError, exitCode } from "./errors.ts";

// deno-lint-ignore no-explicit-any
export type Json = any;

export interface ApiRequest {
  body?: unknown;
  headers?: Record<string, string>;
  query?: Record<string, string | number | boolean | undefined>;
}

export interface Transport {
  /** Where requests go, for messages. */
  name: string;
  /** Sends a request with the caller's proof of identity. */
  send(request: Request): Promise<Response>;
  close(): Promise<void>;
}

/**
 * The HTTP API, whether of a server or of the application in this process: commands cannot tell the
 * difference.
 */
export class Api {
  constructor(readonly transport: Transport) {}

  get(path: string, query?: ApiRequest["query"]): Promise<Json> {
    return this.json("GET", path, { query });
  }

  post(path: string, body: unknown = {}, query?: ApiRequest["query"]): Promise<Json> {
    return this.json("POST", path, { body, query });
  }

  /** Changes whatever there is now: who types a command has read nothing that could be stale. */
  patch(path: string, body: unknown): Promise<Json> {
    return this.json("PATCH", path, { body, headers: { "If-Match": "*" } });
  }

  delete(path: string): Promise<Json> {
    return this.json("DELETE", path, { headers: { "If-Match": "*" } });
  }

  /** Every item of a list, page by page. */
  async all(path: string, query: ApiRequest["query"] = {}): Promise<Json[]> {
    const items: Json[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.get(path, { limit: 1000, ...query, cursor });
      items.push(...page.items);
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
    return items;
  }

  async json(method: string, path: string, request: ApiRequest = {}): Promise<Json> {
    const response = await this.raw(method, path, request);
    const text = await response.text();
    if (!response.ok) throw refusal(response.status, text);
    return text === "" ? undefined : parse(text, this.transport.name);
  }

  async raw(method: string, path: string, { body, headers, query }: ApiRequest = {}) {
    const url = new URL(path, "http://lockstep.invalid");
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return await this.transport.send(
      new Request(url, {
        method,
        headers: {
          Accept: "application/json",
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...headers,
        },
        body: body === undefined
          ? undefined
          : typeof body === "string"
          ? body
          : JSON.stringify(body),
      }),
    );
  }

  close(): Promise<void> {
    return this.transport.close();
  }
}

function parse(text: string, name: string): Json {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CliError(
      `${name} answered something that is not JSON. Is it a Lockstep server, and not a page of a ` +
        "proxy in front of it?",
      exitCode.unreachable,
      cause,
    );
  }
}

/** An error answer as a sentence, with every field at fault and an exit code. */
export function refusal(status: number, text: string): CliError {
  let problem: Json = {};
  try {
    problem = JSON.parse(text);
  } catch { /* Not from Lockstep; the status must do. */ }
  const detail = problem.detail ?? `The server answered with status ${status}.`;
  const fields = (problem.errors ?? [])
    .filter(({ message }: Json) => message && !detail.includes(message))
    .map(({ field, message }: Json) => `  ${field}: ${message}`);
  const code = status === 401 || status === 403
    ? exitCode.denied
    : status === 404
    ? exitCode.notFound
    : exitCode.failed;
  return new CliError([detail, ...fields].join("\n"), code, problem.code);
}
