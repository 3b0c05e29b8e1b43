import { expect } from "expect";
import fc from "fast-check";
import { type Node, orderModels } from "./order_models.ts";

const graphs = fc.array(
  fc.array(fc.record({ oid: fc.nat(12), required: fc.boolean() }), { maxLength: 4 }),
  { maxLength: 12 },
).map((all) => all.map((parents, oid): Node => ({ oid, name: `m${oid * 7 % 12}`, parents })));

Deno.test("orderModels() keeps every model once, whatever their order was", () => {
  fc.assert(fc.property(graphs, (nodes) => {
    const ordered = orderModels(nodes);
    expect(ordered.map(({ oid }) => oid).sort((a, b) => a - b)).toEqual(
      nodes.map(({ oid }) => oid),
    );
    expect(orderModels(nodes.toReversed())).toEqual(ordered);
  }));
});

Deno.test("orderModels() puts all parents first where there are no cycles", () => {
  fc.assert(fc.property(graphs, (graph) => {
    const nodes = graph.map((node) => ({
      ...node,
      parents: node.parents.filter(({ oid }) => oid < node.oid),
    }));
    const place = new Map(orderModels(nodes).map((node, i) => [node.oid, i]));
    for (const { oid, parents } of nodes) {
      for (const parent of parents) expect(place.get(parent.oid)).toBeLessThan(place.get(oid)!);
    }
  }));
});

Deno.test("orderModels() puts required parents first within cycles of optional ones", () => {
  fc.assert(fc.property(graphs, (graph) => {
    const nodes = graph.map((node) => ({
      ...node,
      parents: node.parents.map((parent) => ({ ...parent, required: parent.oid < node.oid }))
        .filter(({ oid }) => oid < graph.length),
    }));
    const place = new Map(orderModels(nodes).map((node, i) => [node.oid, i]));
    for (const { oid, parents } of nodes) {
      for (const parent of parents.filter(({ required }) => required)) {
        expect(place.get(parent.oid)).toBeLessThan(place.get(oid)!);
      }
    }
  }));
});
