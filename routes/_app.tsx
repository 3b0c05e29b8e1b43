import { asset } from "fresh/runtime";
import { Document } from "../lib/ui/mod.ts";
import { define } from "../lib/web/mod.ts";

export default define.page(function App({ Component, state }) {
  return (
    <Document title={state.title ? `${state.title} · Lockstep` : "Lockstep"} asset={asset}>
      <Component />
    </Document>
  );
});
