import { type ComponentChildren, type ComponentType, h, render } from "preact";
import { computed, signal } from "@preact/signals";
import { deserialize } from "./deserialize.ts";

type Props = Record<string, unknown>;

/** JSX that the server rendered, by the number in its markers. */
class Slot {
  readonly id: number;

  constructor(id: number) {
    this.id = id;
  }
}

interface Range {
  start: Comment;
  end: Comment;
}

/**
 * Revives the islands of a page: finds the markers that the server left, and renders each island
 * over what is between them.
 *
 * @param components the islands of this page by name.
 * @param json their props as `serialize()` wrote them.
 */
export function boot(components: Record<string, ComponentType>, json: string): void {
  const allProps = deserialize(json, {
    signal,
    computed: (value) => computed(() => value),
    slot: (id) => new Slot(id),
  }) as Props[];
  const { islands, slots } = findMarkers();

  function islandVNode(start: Comment) {
    const [, , name, index] = start.data.split(":");
    const props: Props = { ...allProps[Number(index)] };
    for (const [key, value] of Object.entries(props)) {
      if (value instanceof Slot) props[key] = slotVNodes(value.id);
    }
    return h(components[name] as ComponentType<Props>, props);
  }

  function slotVNodes(id: number): ComponentChildren {
    const range = slots.get(id);
    if (range !== undefined) return toVNodes(range.start.nextSibling, range.end);
    const template = document.getElementById(`frsh-slot-${id}`) as HTMLTemplateElement | null;
    return template === null ? null : toVNodes(template.content.firstChild, null);
  }

  /** Reads DOM back as VNodes; islands in it become components of the surrounding one. */
  function toVNodes(first: Node | null, end: Node | null): ComponentChildren[] {
    const vnodes: ComponentChildren[] = [];
    for (let node = first; node !== null && node !== end; node = node.nextSibling) {
      if (node instanceof Text) {
        vnodes.push(node.data);
      } else if (node instanceof Element) {
        vnodes.push(h(node.localName, attributesOf(node), toVNodes(node.firstChild, null)));
      } else if (node instanceof Comment && node.data.startsWith("frsh:island:")) {
        vnodes.push(islandVNode(node));
        node = endOf(node);
      }
    }
    return vnodes;
  }

  // All props are read before anything is rendered over the markup that they are read from.
  const roots = islands.map((range) => ({ ...range, vnode: islandVNode(range.start) }));
  for (const { start, end, vnode } of roots) render(vnode, rootBetween(start, end));
}

/** The outermost islands of the page, and all slots by number. */
function findMarkers(): { islands: Range[]; slots: Map<number, Range> } {
  const islands: Range[] = [];
  const slots = new Map<number, Range>();
  const open: Comment[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_COMMENT);
  while (walker.nextNode()) {
    const node = walker.currentNode as Comment;
    if (node.data.startsWith("frsh:")) open.push(node);
    if (!node.data.startsWith("/frsh:")) continue;
    const start = open.pop();
    if (start === undefined) continue;
    if (start.parentNode !== node.parentNode) {
      console.error(`Invalid HTML nesting around the island marker "${start.data}"`);
    } else if (start.data.startsWith("frsh:slot:")) {
      slots.set(Number(start.data.slice("frsh:slot:".length)), { start, end: node });
    } else if (open.length === 0) {
      islands.push({ start, end: node });
    }
  }
  return { islands, slots };
}

/** The closing marker of the island that `start` opens. */
function endOf(start: Comment): Node {
  let depth = 0;
  let node: Node = start;
  while (true) {
    if (node instanceof Comment) {
      if (node.data.startsWith("frsh:island:")) depth++;
      if (node.data === "/frsh:island" && --depth === 0) return node;
    }
    if (node.nextSibling === null) return node;
    node = node.nextSibling;
  }
}

function attributesOf(element: Element): Props {
  const props: Props = {};
  for (const { name, value } of element.attributes) {
    const isBoolean = typeof (element as unknown as Props)[name] === "boolean";
    props[name] = isBoolean ? value !== "false" : value;
  }
  return props;
}

/**
 * Something for Preact to render into that holds just the nodes between two markers, since islands
 * may share a parent with other nodes.
 */
function rootBetween(startMarker: Comment, endMarker: Comment): Element {
  const parent = startMarker.parentNode as Element;
  // Preact skips comments when it looks for the place to insert at: an empty text marks the end.
  const end = document.createTextNode("");
  endMarker.replaceWith(end);
  const childNodes = () => {
    const nodes: ChildNode[] = [];
    for (let node = startMarker.nextSibling; node !== null && node !== end;) {
      nodes.push(node);
      node = node.nextSibling;
    }
    return nodes;
  };
  return {
    nodeType: 1,
    parentNode: parent,
    namespaceURI: parent.namespaceURI,
    get firstChild() {
      return childNodes()[0] ?? null;
    },
    get childNodes() {
      return childNodes();
    },
    contains: (node: Node | null) => childNodes().some((child) => child.contains(node)),
    insertBefore: (node: Node, before: Node | null) => parent.insertBefore(node, before ?? end),
    appendChild: (node: Node) => parent.insertBefore(node, end),
    removeChild: (node: Node) => parent.removeChild(node),
  } as unknown as Element;
}
