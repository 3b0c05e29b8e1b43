import {
  type ModelPage,
  type PullContext,
  type PullPage,
  pullPage,
  type PullRequest,
} from "../sync/mod.ts";
import { concat, pullMetadata } from "./pull_answer.ts";
import { PullFigures } from "./pull_figures.ts";

const encoder = new TextEncoder();
const newline = encoder.encode("\n");

/**
 * A pull to the end as NDJSON. Each page is read in a snapshot of its own and closed before it is sent,
 * one page ahead of the reader: a reader that stops reading holds two pages in memory and nothing in
 * the database. `goOn` is asked beside each page but the first, which is sent only if it resolves: it
 * rejects when the caller may not pull any more.
 */
export function pullStream(
  context: PullContext,
  request: PullRequest,
  first: PullPage,
  requestId: string,
  goOn: () => Promise<void>,
  ended: (figures: PullFigures, error?: unknown) => void,
): ReadableStream<Uint8Array> {
  let next: Promise<PullPage> | undefined = Promise.resolve(first);
  let started = false;
  const figures = new PullFigures();
  const models = new Map<string, ModelPage>();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        if (!next) return controller.close();
        const page = await next;
        figures.add(page);
        next = page.complete
          ? undefined
          : Promise.all([pullPage(context, following(request, page)), goOn()])
            .then(([page]) => page);
        // A failure is met when the page is awaited; until then nobody looks at it.
        next?.catch(() => {});
        const head = started ? [] : [headerLine(page)];
        started = true;
        for (const model of page.models) {
          models.set(model.name, both(models.get(model.name), model));
        }
        const whole = { ...page, models: [...models.values()] };
        const tail = page.complete ? [lastLine(whole, requestId)] : [];
        controller.enqueue(concat([...head, ...pageLines(page), ...tail]));
        if (page.complete) ended(figures);
      } catch (error) {
        ended(figures, error);
        controller.error(error);
      }
    },
    cancel() {
      ended(figures, new Error("The client closed the connection."));
    },
  }, { highWaterMark: 0 });
}

/** What the last line says of a model: its state at the end, with what the whole stream brought. */
function both(before: ModelPage | undefined, page: ModelPage): ModelPage {
  const rest = { ...page, records: [], removed: [] };
  if (!before) return rest;
  return { ...rest, count: before.count + page.count, reset: before.reset || page.reset };
}

/** The same request, from where `page` ended. Models that can't be pulled are not asked for again. */
function following(request: PullRequest, page: PullPage): PullRequest {
  const models = new Map(
    page.models.filter(({ error }) => !error).map(({ name, cursor }) => [name, cursor]),
  );
  return { ...request, models, totals: false };
}

function headerLine({ models }: PullPage): Uint8Array {
  const totals = models.filter(({ error }) => !error)
    .map(({ name, total, count }) => [name, total ?? count]);
  return encoder.encode(`${JSON.stringify({ _total: Object.fromEntries(totals) })}\n`);
}

function pageLines({ models }: PullPage): Uint8Array[] {
  return models.flatMap(({ name, records, removed, cursor, reset, error }) => {
    if (error) return [];
    const lines = records.flatMap((record) => [record, newline]);
    if (reset) lines.unshift(encoder.encode(`${JSON.stringify({ _reset: [name] })}\n`));
    if (removed.length > 0) {
      const keys = removed.flatMap((key, i) => i > 0 ? [encoder.encode(","), key] : [key]);
      lines.push(encoder.encode(`{"_deleted":{${JSON.stringify(name)}:[`), ...keys);
      lines.push(encoder.encode("]}}\n"));
    }
    lines.push(encoder.encode(`${JSON.stringify({ _cursor: { [name]: cursor } })}\n`));
    return lines;
  });
}

function lastLine(page: PullPage, requestId: string): Uint8Array {
  const { complete, asOf: as_of } = page;
  const metadata = pullMetadata(page, requestId);
  return encoder.encode(`${JSON.stringify({ metadata, complete, as_of })}\n`);
}
