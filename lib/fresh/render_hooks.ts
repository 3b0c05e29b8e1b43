import {
  type ComponentChildren,
  type ComponentType,
  createContext,
  Fragment,
  type FunctionComponent,
  h,
  isValidElement,
  options,
  type VNode,
} from "preact";
import { useContext } from "preact/hooks";
import { asset } from "./asset.ts";
import { type Island, islandOf } from "./build_cache.ts";
import { HeadContext } from "./head.ts";
import { isSignal, serialize } from "./serialize.ts";

type Props = Record<string, unknown>;

/** What the rendering of one page collects. */
export class RenderState {
  readonly nonce = crypto.randomUUID().replaceAll("-", "");
  /** Which elements of the document's frame were rendered. */
  readonly has = { html: false, head: false, body: false };
  /** Elements for `<head>` by the key under which they replace others. */
  readonly headElements = new Map<string, VNode>();
  readonly islands = new Set<Island>();
  readonly islandProps: Props[] = [];
  /** JSX props of islands by number; `rendered` unless the island left them out. */
  readonly slots: { name: string; vnode: ComponentChildren; rendered: boolean }[] = [];
  readonly url: URL;
  readonly basePath: string;
  /** URL path of the client runtime. */
  readonly runtime: string | null;

  constructor(url: URL, basePath: string, runtime: string | null) {
    this.url = url;
    this.basePath = basePath;
    this.runtime = runtime;
  }

  /** Link header values for the chunks that the page imports. */
  preloads(): string[] {
    if (this.islands.size === 0) return [];
    const chunks = new Set([this.runtime, ...[...this.islands].map((island) => island.chunk)]);
    return [...chunks].map((chunk) =>
      `<${
        encodeURI(this.basePath + chunk)
      }>; rel="modulepreload"; as="script"; nonce="${this.nonce}"`
    );
  }
}

let current: RenderState | null = null;

/** Renders with the hooks below collecting into `state`. `render` has to be synchronous. */
export function withRenderState<T>(state: RenderState, render: () => T): T {
  current = state;
  try {
    return render();
  } finally {
    current = null;
  }
}

const HEAD_TAGS = new Set(["title", "meta", "link", "script", "style", "base", "noscript"]);

const InIsland = createContext(false);

/**
 * VNodes made by this module, which the hook leaves alone, and what it changed in others: the same
 * VNode is rendered again and again where a module keeps it in a constant.
 */
const own = new WeakSet<VNode>();
const originals = new WeakMap<VNode, { type: VNode["type"]; props: Props }>();

// `__b` is the name of Preact's hook before a VNode is rendered in its published builds.
const hooks = options as unknown as { __b?: (vnode: VNode) => void };
const previousHook = hooks.__b;
hooks.__b = (vnode) => {
  if (current !== null && !own.has(vnode) && vnode.type !== Fragment) {
    const original = originals.get(vnode);
    const type = original?.type ?? vnode.type;
    const props = original?.props ?? vnode.props as Props;
    const replaced = typeof type === "string"
      ? replaceElement(current, vnode, type, props)
      : replaceComponent(type as ComponentType, props);
    if (replaced !== null) {
      if (original === undefined) originals.set(vnode, { type, props });
      Object.assign(vnode, replaced);
    }
  }
  previousHook?.(vnode);
};

type Replacement = { type?: unknown; props: unknown } | null;

function replaceElement(
  state: RenderState,
  vnode: VNode,
  type: string,
  props: Props,
): Replacement {
  switch (type) {
    case "html":
      state.has.html = true;
      return null;
    case "head":
      state.has.head = true;
      return {
        props: {
          ...props,
          children: h(
            HeadContext.Provider,
            { value: "head" },
            props.children as ComponentChildren,
            h(RemainingHead, null),
          ),
        },
      };
    case "body":
      state.has.body = true;
      return { props: { ...props, children: [props.children, h(PageScripts, null)] } };
    case "a":
      return typeof props.href === "string" && props.href.startsWith("/") &&
          props["aria-current"] === undefined
        ? { props: { ...props, ...currentLink(state.url, props.href) } }
        : null;
    case "img":
    case "source":
      return typeof props.src === "string" ? { props: { ...props, src: asset(props.src) } } : null;
  }
  if (!HEAD_TAGS.has(type)) return null;
  const withNonce = (type === "script" || type === "style") && !props.nonce
    ? { ...props, nonce: state.nonce }
    : props;
  return { type: HeadElement, props: { type, props: withNonce, id: vnode.key } };
}

function replaceComponent(type: ComponentType, props: Props): Replacement {
  const island = islandOf(type);
  return island === undefined ? null : { type: IslandRoot, props: { island, type, props } };
}

/** Marks a link to this page, or to one above it, unless it says so itself. */
function currentLink(url: URL, href: string): Props {
  const target = new URL(href, "http://localhost");
  const trim = (path: string) => path === "/" ? path : path.replace(/\/$/, "");
  const [here, there] = [trim(url.pathname), trim(target.pathname)];
  if (here === there && (target.search === "" || target.search === url.search)) {
    return { "data-current": "true", "aria-current": "page" };
  }
  if (here === there || there === "/" || here.startsWith(`${there}/`)) {
    return { "data-ancestor": "true", "aria-current": "true" };
  }
  return {};
}

/** An element that belongs in `<head>`: moves it there, or lets a moved one take its place. */
function HeadElement(given: { type: string; props: Props; id: unknown }): VNode | null {
  const place = useContext(HeadContext);
  const element = h(given.type, given.props) as VNode;
  own.add(element);
  if (place === null || current === null) return element;

  const key = headKey(given.type, given.props, given.id);
  if (place === "moved") {
    current.headElements.set(key, element);
    return null;
  }
  const moved = current.headElements.get(key);
  if (moved === undefined) return element;
  current.headElements.delete(key);
  return moved;
}

function headKey(type: string, props: Props, key: unknown): string {
  if (type === "title") return type;
  if (key != null) return `${type} key ${key}`;
  const values = Object.entries(props)
    .filter(([name]) => name !== "nonce" && !(type === "meta" && name === "content"))
    .toSorted(([a], [b]) => a < b ? -1 : 1);
  return `${type} ${JSON.stringify(values)}`;
}

function RemainingHead(): VNode {
  return h(Fragment, null, [...current?.headElements.values() ?? []]);
}

function marked(children: ComponentChildren, open: string, close: string): VNode {
  const comment = (text: string) => h(Fragment, { UNSTABLE_comment: text } as Props);
  return h(Fragment, null, comment(open), children, comment(close));
}

/** An island as the server renders it: between markers, unless another island renders it. */
function IslandRoot(
  { island, type, props }: { island: Island; type: ComponentType; props: Props },
) {
  const inside = useContext(InIsland);
  const render = (given: Props) => {
    const vnode = h(type as FunctionComponent, given) as VNode;
    own.add(vnode);
    return vnode;
  };
  if (inside || current === null) return render(props);

  const given: Props = {};
  for (const [name, value] of Object.entries(props)) {
    const isSlot = name === "children" || isValidElement(value) && !isSignal(value);
    given[name] = isSlot ? makeSlot(current, name, value as ComponentChildren) : value;
  }
  current.islands.add(island);
  const index = current.islandProps.push(given) - 1;
  return marked(
    h(InIsland.Provider, { value: true }, render(given)),
    `frsh:island:${island.name}:${index}`,
    "/frsh:island",
  );
}

function makeSlot(state: RenderState, name: string, vnode: ComponentChildren): VNode {
  const id = state.slots.push({ name, vnode, rendered: false }) - 1;
  return h(Slot, { id }) as VNode;
}

function Slot({ id }: { id: number }): VNode | null {
  if (current === null) return null;
  const slot = current.slots[id];
  slot.rendered = true;
  return marked(
    h(InIsland.Provider, { value: false }, slot.vnode),
    `frsh:slot:${id}`,
    "/frsh:slot",
  );
}

function slotId(value: unknown): number | null {
  return isValidElement(value) && value.type === Slot
    ? (value.props as unknown as { id: number }).id
    : null;
}

/** The end of `<body>`: JSX that islands did not show yet, and the script that revives islands. */
function PageScripts(): VNode {
  return h(Fragment, null, h(HiddenSlots, { from: 0 }), h(BootScript, null));
}

function HiddenSlots({ from }: { from: number }): VNode | null {
  if (current === null || from >= current.slots.length) return null;
  const templates = current.slots.slice(from).map((slot, i) =>
    slot.rendered ? null : h(
      "template",
      { id: `frsh-slot-${from + i}` },
      h(InIsland.Provider, { value: false }, slot.vnode),
    )
  );
  // What was just rendered may contain islands with slots of their own.
  return h(Fragment, null, templates, h(HiddenSlots, { from: current.slots.length }));
}

function BootScript(): VNode | null {
  if (current === null || current.islands.size === 0) return null;
  const { islands, islandProps, basePath, runtime, nonce } = current;
  const list = [...islands];
  const imports = list.map(({ name, chunk, exportName }) =>
    `import{${exportName} as ${name}}from${script(basePath + chunk)};`
  );
  const props = serialize(islandProps, slotId);
  const code = `import{boot}from${script(basePath + runtime)};${imports.join("")}` +
    `boot({${list.map(({ name }) => name).join(",")}},${script(props)})`;
  const vnode = h("script", { type: "module", nonce, dangerouslySetInnerHTML: { __html: code } });
  own.add(vnode as VNode);
  return vnode as VNode;
}

/** A string as a JavaScript literal that cannot end the script element. */
function script(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
