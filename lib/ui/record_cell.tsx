import { RelativeTime } from "./relative_time.tsx";

export interface RecordCellProps {
  /** Null is SQL's NULL. */
  text: string | null;
  look: "text" | "number" | "boolean" | "time" | "date" | "code" | "bytes";
  /** Of the record that the value names. */
  href?: string;
}

/** A value of a record in a list. */
export function RecordCell({ text, look, href }: RecordCellProps) {
  if (text === null) return <span class="no-value" title="No value">—</span>;
  if (href !== undefined) return <a href={href} dir="auto">{text}</a>;
  if (text === "") return <em class="no-value">Empty</em>;
  switch (look) {
    case "boolean":
      return <>{text === "true" ? "Yes" : "No"}</>;
    case "bytes":
      return <span class="text-nowrap">{`${Number(text).toLocaleString("en")} bytes`}</span>;
    case "code":
      return <code>{text.length > 80 ? `${text.slice(0, 80)}…` : text}</code>;
    case "date":
      return <span class="text-nowrap">{text}</span>;
    case "time": {
      const time = new Date(text);
      // Times such as infinity are none of JavaScript's.
      return isNaN(time.getTime()) ? <>{text}</> : <RelativeTime value={time} />;
    }
    default:
      return <bdi>{text.length > 120 ? `${text.slice(0, 120)}…` : text}</bdi>;
  }
}
