import { page } from "fresh";
import { PublicFrame } from "../../lib/ui/mod.ts";
import { define, type DocumentedOperation, operationParts } from "../../lib/web/mod.ts";
import { documentedPaths } from "./(_operations)/document.ts";

interface Operation extends DocumentedOperation {
  method: string;
  path: string;
  parts: ReturnType<typeof operationParts>;
}

/** The operations of the API, to read and search in a browser. */
export const handler = define.handlers({
  GET(ctx) {
    ctx.state.title = "API";
    return page({ tags: tags ??= readTags() });
  },
});

/** Made once: the schemas of all bodies take longer than the rest of the page. */
let tags: [tag: string, operations: Operation[]][] | undefined;

function readTags() {
  const operations = Object.entries(documentedPaths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      method,
      path,
      parts: operationParts(operation),
    }))
  );
  return [...Map.groupBy(operations, ({ tag }) => tag)];
}

export default define.page<typeof handler>(function Docs({ data }) {
  return (
    <PublicFrame>
      <h1>API</h1>
      <p>
        The same as a machine reads it:{" "}
        <a href="/api/openapi.json">OpenAPI 3.1</a>. Errors are problem documents (RFC 9457) with a
        stable <code>code</code>.
      </p>
      <nav aria-label="Parts of the API">
        <ul>
          {data.tags.map(([tag, operations]) => (
            <li key={tag}>
              <a href={`#${anchor(tag)}`}>{tag}</a> ({operations.length})
            </li>
          ))}
        </ul>
      </nav>
      {data.tags.map(([tag, operations]) => (
        <section key={tag} aria-labelledby={anchor(tag)}>
          <h2 id={anchor(tag)}>{tag}</h2>
          {operations.map((operation) => (
            <OperationDetails key={`${operation.method} ${operation.path}`} {...operation} />
          ))}
        </section>
      ))}
    </PublicFrame>
  );
});

function OperationDetails(operation: Operation) {
  const { method, path, summary, description, security, parts } = operation;
  const { parameters, bodies, answers } = parts;
  return (
    <details class="mb-2">
      <summary>
        <code>{method} {path}</code> {summary}
      </summary>
      {description && <p>{description}</p>}
      <p>{security.length === 0 ? "Open to everybody." : `Needs: ${security.join(" or ")}.`}</p>
      {parameters.length > 0 && (
        <table class="table table-sm">
          <thead>
            <tr>
              <th scope="col">Parameter</th>
              <th scope="col">In</th>
              <th scope="col">Type</th>
              <th scope="col">Meaning</th>
            </tr>
          </thead>
          <tbody>
            {parameters.map(({ name, place, type, required, description }) => (
              <tr key={`${place} ${name}`}>
                <td>
                  <code>{name}</code>
                  {required && " (required)"}
                </td>
                <td>{place}</td>
                <td>{type}</td>
                <td>{description}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {[...bodies, ...answers].map(({ title, schema }) => (
        <div key={title}>
          <h3 class="h6">{title}</h3>
          {schema && <pre><code>{schema}</code></pre>}
        </div>
      ))}
    </details>
  );
}

function anchor(tag: string): string {
  return tag.toLowerCase();
}
