import type { ComponentChildren } from "preact";

export interface DocumentProps {
  /** Title of pages that set none of their own. */
  title: string;
  /** Makes the URL of a static file cacheable: `asset` of the framework. */
  asset: (path: string) => string;
  lang?: string;
  children: ComponentChildren;
}

/** The HTML document around every page. The blocking script sets the theme before the first paint. */
export function Document({ title, asset, lang = "en", children }: DocumentProps) {
  return (
    <html lang={lang}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title}</title>
        <link rel="icon" href={asset("/icon.svg")} type="image/svg+xml" />
        <script src={asset("/theme.js")} />
        <link rel="stylesheet" href={asset("/vendor/bootstrap.min.css")} />
        <link rel="stylesheet" href={asset("/vendor/bootstrap-icons.min.css")} />
        <link rel="stylesheet" href={asset("/theme.css")} />
      </head>
      <body>{children}</body>
    </html>
  );
}
