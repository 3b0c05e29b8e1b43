/** PostgreSQL's text of an array, from the texts of its elements. */
export function formatArray(
  elements: unknown[],
  element: (value: unknown) => string | null,
): string {
  const texts = elements.map((value) => {
    if (Array.isArray(value)) return formatArray(value, element);
    const text = element(value);
    return text === null ? "NULL" : `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
  });
  return `{${texts.join(",")}}`;
}

/** Reads PostgreSQL's text of an array. Subscripts (`[0:1]={1,2}`) are dropped. */
export function parseArray<T>(text: string, element: (text: string) => T): NestedArray<T> {
  let at = text.indexOf("{");
  return readArray();

  function readArray(): NestedArray<T> {
    const values: NestedArray<T> = [];
    at++;
    while (text[at] !== "}") {
      if (text[at] === "{") values.push(readArray());
      else if (text[at] === '"') values.push(element(readQuoted()));
      else values.push(readBare());
      if (text[at] === ",") at++;
    }
    at++;
    return values;
  }

  function readQuoted(): string {
    let value = "";
    for (at++; text[at] !== '"'; at++) {
      if (text[at] === "\\") at++;
      value += text[at];
    }
    at++;
    return value;
  }

  function readBare(): T | null {
    const start = at;
    while (text[at] !== "," && text[at] !== "}") at++;
    const value = text.slice(start, at);
    return value === "NULL" ? null : element(value);
  }
}

export type NestedArray<T> = (T | null | NestedArray<T>)[];
