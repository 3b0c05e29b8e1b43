/** What a server-sent event says. */
export interface StreamEvent {
  event: string;
  // deno-lint-ignore no-explicit-any
  data: any;
  id?: string;
}

/** The events of one open stream, however its bytes are cut into pieces. */
export class EventStream implements AsyncDisposable {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(readonly response: Response) {
    this.#reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The next event, undefined when the stream ends; comments are skipped. */
  async next(): Promise<StreamEvent | undefined> {
    while (true) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        const fields = new Map(
          block.split("\n").map((line) => line.split(/: ?(.*)/s, 2) as [string, string]),
        );
        if (!fields.has("event")) continue;
        return {
          event: fields.get("event")!,
          data: JSON.parse(fields.get("data")!),
          id: fields.get("id"),
        };
      }
      const { value, done } = await this.#reader.read();
      if (done) return;
      this.#text += value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel();
  }
}
