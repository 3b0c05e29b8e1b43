import {
  type AnyComponent,
  Fragment,
  type FunctionComponent,
  h,
  isValidElement,
  type VNode,
} from "preact";
import { jsxTemplate } from "preact/jsx-runtime";
import { renderToString } from "preact-render-to-string";
import { getBuildCache } from "./build_cache.ts";
import type { Context, Frame, PageProps } from "./context.ts";
import { RenderState, withRenderState } from "./render_hooks.ts";

/** A page, layout or app wrapper; it may be async and may answer with a response of its own. */
export type RouteComponent<State> = AnyComponent<PageProps<unknown, State>>;

const nonces = new WeakMap<Response, string>();

/** The nonce of the scripts in a response of `ctx.render()`. */
export function nonceOf(res: Response): string | undefined {
  return nonces.get(res);
}

/** The props of a page or layout component. */
export function pageProps<Data, State>(
  ctx: Context<State>,
  data: Data,
  Component: FunctionComponent,
): PageProps<Data, State> {
  const { config, url, req, params, info, state, error, route } = ctx;
  return { config, url, req, params, info, state, error, route, data, Component };
}

/** Runs an async component; a plain one is left to Preact, which may need to call it with hooks. */
export async function runComponent<State>(
  component: RouteComponent<State>,
  props: PageProps<unknown, State>,
): Promise<VNode | Response | null> {
  if (component.constructor.name !== "AsyncFunction") {
    return h(component, props) as VNode;
  }
  return await (component as (props: unknown) => Promise<VNode | Response | null>)(props);
}

/** Renders a page inside its layouts and the app wrapper, with the scripts that revive islands. */
export async function renderPage<State>(
  ctx: Context<State>,
  page: VNode | null,
  frame: Frame<State>,
  init: ResponseInit,
): Promise<Response> {
  if (page !== null && !isValidElement(page)) {
    throw new TypeError("Expected ctx.render() to be called with JSX or null");
  }
  let vnode: VNode | null = page;
  for (const layout of frame.layouts.toReversed()) {
    const child = vnode;
    const result = await runComponent(layout, pageProps(ctx, null, () => child));
    if (result instanceof Response) return result;
    vnode = result;
  }

  // The wrapper is rendered after the page, whose <Head> changes the head, but an async one has to
  // be run before rendering starts.
  let body = vnode;
  let wrapper: VNode | null = null;
  if (frame.app !== null) {
    const result = await runComponent(frame.app, pageProps(ctx, null, () => body));
    if (result instanceof Response) return result;
    wrapper = result;
  }

  const state = new RenderState(ctx.url, ctx.config.basePath, getBuildCache()?.runtime ?? null);
  const html = withRenderState(state, () => {
    let html = renderToString(vnode ?? h(Fragment, null));
    if (wrapper !== null) {
      body = jsxTemplate([html]) as VNode;
      html = renderToString(wrapper);
    }
    return `<!DOCTYPE html>${completeDocument(html, state)}`;
  });

  const headers = new Headers(init.headers);
  headers.set("Content-Type", "text/html; charset=utf-8");
  const preloads = state.preloads();
  if (preloads.length > 0) headers.append("Link", preloads.join(", "));
  const res = new Response(html, {
    status: init.status ?? 200,
    statusText: init.statusText,
    headers,
  });
  nonces.set(res, state.nonce);
  return res;
}

/** Adds the `<html>`, `<head>` and `<body>` around a page that has no wrapper for it. */
function completeDocument(html: string, state: RenderState): string {
  const { has } = state;
  if (has.html) return html;
  const content = jsxTemplate([html]) as VNode;
  const body = has.body ? content : h("body", null, content);
  const head = has.head ? null : h("head", null, h("meta", { charset: "utf-8" }));
  return renderToString(h("html", null, head, body));
}
