import type { Host } from "./host.ts";

/** How often the line is drawn anew, in milliseconds. */
const interval = 100;

/**
 * Progress of long work on standard error: a bar with rate and time left at a terminal, and one line
 * at the end elsewhere.
 */
export class Progress {
  readonly #host: Host;
  readonly #label: string;
  readonly #started = performance.now();
  #done = 0;
  #drawn = 0;
  #position = 0;
  #total: number | undefined;
  readonly #offset: number;

  /**
   * @param total of `position`, where it is known: bytes of a file, rows of a table
   * @param offset what of it was done before
   */
  constructor(host: Host, label: string, total?: number, offset = 0) {
    this.#host = host;
    this.#label = label;
    this.#total = total;
    this.#offset = offset;
    this.#position = offset;
  }

  set total(value: number) {
    this.#total = value;
  }

  /** @param records more that are done; `position` is how far of the total that is */
  add(records: number, position: number): void {
    this.#done += records;
    this.#position = position;
    const now = performance.now();
    if (!this.#host.errIsTerminal || now - this.#drawn < interval) return;
    this.#drawn = now;
    this.#host.err(`\r\x1b[K${this.line().slice(0, this.#host.width - 1)}`);
  }

  end(): void {
    this.#host.err(
      this.#host.errIsTerminal ? `\r\x1b[K${this.#summary()}\n` : `${this.#summary()}\n`,
    );
  }

  /** What is drawn: share, bar, records, rate, time left. */
  line(): string {
    const seconds = (performance.now() - this.#started) / 1000;
    const rate = seconds > 0 ? this.#done / seconds : 0;
    const counts = `${this.#done} records  ${Math.round(rate)}/s`;
    if (!this.#total) return `${this.#label}  ${counts}`;
    const share = Math.min(1, this.#position / this.#total);
    const speed = (this.#position - this.#offset) / seconds;
    const left = speed > 0 ? duration((this.#total - this.#position) / speed) : "?";
    const bar = "#".repeat(Math.round(share * 20)).padEnd(20, ".");
    return `${this.#label}  ${Math.floor(share * 100)}% [${bar}]  ${counts}  ${left} left`;
  }

  #summary(): string {
    const seconds = (performance.now() - this.#started) / 1000;
    return `${this.#label}  ${this.#done} records in ${duration(seconds)}, ${
      Math.round(this.#done / Math.max(seconds, 0.001))
    }/s`;
  }
}

function duration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
}
