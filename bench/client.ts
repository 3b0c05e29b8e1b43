/** A client of the sync API with a token. */
export class Client {
  constructor(readonly origin: string, readonly token: string) {}

  static async signIn(origin: string, username: string, password: string): Promise<Client> {
    const response = await fetch(`${origin}/api/sync/auth/token/`, {
      method: "POST",
      body: JSON.stringify({ username, password }),
    });
    const { token } = await response.json();
    if (!token) throw new Error(`No token: ${response.status}`);
    return new Client(origin, token);
  }

  async post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return await fetch(`${this.origin}/api/sync/${path}`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${this.token}`,
        "Content-Type": "application/json",
        // What the answers are compared with is not compressed either.
        "Accept-Encoding": "identity",
        ...headers,
      },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  }

  /** Pushes records of one model. @throws Error unless all of them were written. */
  async push(model: string, rows: object[]): Promise<void> {
    const data = rows.map((row) => ({ _model: model, ...row }));
    const response = await this.post("push/", { data });
    const answer = await response.json();
    if (answer.success_count === rows.length) return;
    throw new Error(`Push failed: ${JSON.stringify(answer).slice(0, 500)}`);
  }

  /** Pushes records of one model as NDJSON. @throws Error unless all of them were written. */
  async pushStream(model: string, rows: object[]): Promise<void> {
    const lines = rows.map((row) => JSON.stringify({ _model: model, ...row })).join("\n");
    const response = await this.post("push/", lines, { "Content-Type": "application/x-ndjson" });
    const answer = (await response.text()).trimEnd().split("\n").at(-1)!;
    if (JSON.parse(answer).success_count === rows.length) return;
    throw new Error(`Push failed: ${answer.slice(0, 500)}`);
  }

  /** Pulls a model in JSON pages from `position` to the end. Resolves to its cursor there. */
  async pullPages(
    model: string,
    position: string | null,
    take: (page: Uint8Array) => void,
  ): Promise<string> {
    while (true) {
      const body = { models: { [model]: position }, batch_size: 10_000 };
      const response = await this.post("pull/", body);
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (!response.ok) throw new Error(`Pull failed: ${new TextDecoder().decode(bytes)}`);
      take(bytes);
      const { metadata, complete } = tailOf(bytes, '},"batch_info"', '"metadata":');
      position = metadata[model].cursor;
      if (complete) return position!;
    }
  }

  /** Pulls a model as NDJSON from `position` to the end. Resolves to its cursor there. */
  async pullStream(
    model: string,
    position: string | null,
    take: (chunk: Uint8Array) => void,
  ): Promise<string> {
    const response = await this.post("pull/", { models: { [model]: position } }, {
      Accept: "application/x-ndjson",
    });
    if (!response.ok) throw new Error(`Pull failed: ${await response.text()}`);
    let tail: Uint8Array = new Uint8Array();
    for await (const chunk of response.body!) {
      take(chunk);
      tail = chunk.length >= 65_536 ? chunk : concat(tail.slice(-65_536), chunk);
    }
    const { metadata } = JSON.parse(new TextDecoder().decode(tail).trimEnd().split("\n").at(-1)!);
    return metadata[model].cursor;
  }
}

/** What stands behind the records of a page, parsed without parsing them. */
// deno-lint-ignore no-explicit-any
function tailOf(page: Uint8Array, before: string, from: string): any {
  const text = new TextDecoder().decode(page.subarray(Math.max(0, page.length - 65_536)));
  const start = text.lastIndexOf(from, text.lastIndexOf(before));
  return JSON.parse(`{${text.slice(start)}`);
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
