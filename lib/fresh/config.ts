/** Options of `new App()`. */
export interface FreshConfig {
  /** Path under which the application is mounted, for example `/foo`. */
  basePath?: string;
  mode?: "development" | "production";
  /**
   * Take protocol and host of `ctx.url` from `X-Forwarded-Proto` and `X-Forwarded-Host`. Only behind
   * a proxy that sets them, since clients can forge them.
   */
  trustProxy?: boolean;
}

export interface ResolvedFreshConfig {
  /** Directory of the application. */
  root: string;
  basePath: string;
  mode: "development" | "production";
  trustProxy: boolean;
}
