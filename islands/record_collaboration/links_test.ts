import { expect } from "expect";
import { pieces } from "./links.ts";

Deno.test("pieces() makes links of addresses of the web alone", () => {
  expect(pieces("See https://example.org/a?b=1, then reply.")).toEqual([
    { text: "See " },
    { text: "https://example.org/a?b=1", href: "https://example.org/a?b=1" },
    { text: ", then reply." },
  ]);
  for (
    const text of [
      "",
      "javascript:alert(1)",
      "JAVASCRIPT:https//x",
      "data:text/html,<script>",
      "https://",
      "https://bank.example@evil.example/",
      "<img src=x onerror=alert(1)>",
    ]
  ) {
    expect(pieces(text).filter(({ href }) => href !== undefined)).toEqual([]);
    expect(pieces(text).map((piece) => piece.text).join("")).toBe(text);
  }
  expect(pieces('https://a.example/"onmouseover="x')[0].href).toBe("https://a.example/");
});
