import type { Middleware } from "../handlers.ts";
import { nonceOf } from "../render.ts";

export interface CSPOptions {
  /** Report violations without blocking. */
  reportOnly?: boolean;
  /** URL to which browsers report violations. */
  reportTo?: string;
  /** Directives that are added, or replace the default of the same name. */
  csp?: string[];
  /**
   * Put the nonce of the rendered page in place of `'unsafe-inline'`. Rendering gives that nonce to
   * every `<script>` and `<style>` element.
   */
  useNonce?: boolean;
}

const DEFAULTS = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-inline'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self'",
  "img-src 'self' data:",
  "media-src 'self' data: blob:",
  "worker-src 'self' blob:",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "upgrade-insecure-requests",
];

/** Sets the Content-Security-Policy header. */
export function csp<State>(options: CSPOptions = {}): Middleware<State> {
  const own = options.csp ?? [];
  const names = new Set(own.map(directiveName));
  const directives = [...DEFAULTS.filter((d) => !names.has(directiveName(d))), ...own];
  if (options.reportTo) {
    directives.push("report-to csp-endpoint", `report-uri ${options.reportTo}`);
  }
  const policy = directives.join("; ");
  // On a site without TLS this directive would ask for every file in vain.
  const plainPolicy = directives.filter((d) => d !== "upgrade-insecure-requests").join("; ");
  const header = options.reportOnly
    ? "Content-Security-Policy-Report-Only"
    : "Content-Security-Policy";

  return async (ctx) => {
    const res = await ctx.next();
    const nonce = options.useNonce ? nonceOf(res) : undefined;
    const value = ctx.url.protocol === "https:" ? policy : plainPolicy;
    res.headers.set(
      header,
      nonce === undefined ? value : value.replaceAll("'unsafe-inline'", `'nonce-${nonce}'`),
    );
    if (options.reportTo) {
      res.headers.set("Reporting-Endpoints", `csp-endpoint="${options.reportTo}"`);
    }
    return res;
  };
}

function directiveName(directive: string): string {
  return directive.split(" ", 1)[0];
}
