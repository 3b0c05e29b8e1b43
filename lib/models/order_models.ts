/** What ordering needs to know of a model. */
export interface Node {
  oid: number;
  name: string;
  parents: { oid: number; required: boolean }[];
}

/**
 * Sorts parents before their children, otherwise by name. Within a cycle of foreign keys only the
 * required ones count; where these make a cycle too, the name decides. Strongly connected components
 * by Tarjan (Depth-first search and linear graph algorithms, 1972), which come out parents first.
 */
export function orderModels<T extends Node>(nodes: readonly T[]): T[] {
  const sorted = nodes.toSorted(byName);
  const byOid = new Map(sorted.map((node) => [node.oid, node]));
  const parentsOf = (node: T, requiredOnly: boolean) =>
    node.parents.filter((parent) => parent.required || !requiredOnly)
      .map((parent) => byOid.get(parent.oid)!)
      .filter((parent) => parent && parent !== node).sort(byName);

  const index = new Map<T, number>();
  const lowest = new Map<T, number>();
  const open: T[] = [];
  const isOpen = new Set<T>();
  const ordered: T[] = [];

  function visit(node: T): void {
    const own = index.size;
    index.set(node, own);
    lowest.set(node, own);
    open.push(node);
    isOpen.add(node);
    for (const parent of parentsOf(node, false)) {
      if (!index.has(parent)) {
        visit(parent);
        lowest.set(node, Math.min(lowest.get(node)!, lowest.get(parent)!));
      } else if (isOpen.has(parent)) {
        lowest.set(node, Math.min(lowest.get(node)!, index.get(parent)!));
      }
    }
    if (lowest.get(node) !== own) return;
    const component = open.splice(open.indexOf(node));
    for (const member of component) isOpen.delete(member);
    ordered.push(...orderCycle(component));
  }

  function orderCycle(component: T[]): T[] {
    const left = new Set(component.toSorted(byName));
    const result: T[] = [];
    const place = (node: T) => {
      if (!left.delete(node)) return;
      parentsOf(node, true).forEach(place);
      result.push(node);
    };
    for (const node of [...left]) place(node);
    return result;
  }

  for (const node of sorted) if (!index.has(node)) visit(node);
  return ordered;
}

function byName(a: Node, b: Node): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : a.oid - b.oid;
}
