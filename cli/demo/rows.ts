import { person } from "./people.ts";
import { type Random, random } from "./random.ts";

/** The ids that the generated rows refer to. */
export interface DemoIds {
  /** By slug. */
  organizations: Record<string, number>;
  /** By username. */
  users: Record<string, number>;
}

export type Row = Record<string, unknown>;

/** Rows by table of schema `myapp`, parents first. */
export type DemoRows = Record<"customer" | "product" | "order" | "order_item" | "report", Row[]>;

/**
 * In the order in which customers are dealt out: number 5 is City University's, so that the seed's
 * example of an analyst who pushes a report about customer 5 works.
 */
const dealing = ["global-retail", "city-university", "acme-corp"];

const sizes = { customer: 900, product: 180, order: 1500, report: 240 };
const dayMs = 86_400_000;
const newest = Date.UTC(2025, 11, 31, 18);

/** Believable rows, the same for the same ids. */
export function demoRows({ organizations, users }: DemoIds): DemoRows {
  const chance = random(20_250_807);
  const customer = Array.from({ length: sizes.customer }, (_, index) => {
    const slug = dealing[index % dealing.length];
    return {
      ...customerRow(chance),
      id: index + 1,
      organization_id: organizations[slug],
      assigned_manager_id: slug === "acme-corp" ? users.john_manager : null,
      assigned_to: slug === "global-retail" && chance.chance(0.3) ? users.mary_sales : null,
    };
  });
  const product = Array.from({ length: sizes.product }, (_, index) => ({
    ...productRow(chance, Math.floor(index / dealing.length)),
    id: index + 1,
    organization_id: organizations[dealing[index % dealing.length]],
  }));
  const order: Row[] = [];
  const order_item: Row[] = [];
  for (let id = 1; id <= sizes.order; id++) {
    const buyer = chance.pick(customer);
    const offered = product.filter((row) => row.organization_id === buyer.organization_id);
    let cents = 0;
    for (let line = chance.whole(1, 4); line > 0; line--) {
      const { id: product_id, price } = chance.pick(offered);
      const quantity = chance.whole(1, 6);
      cents += quantity * Math.round(Number(price) * 100);
      order_item.push({
        id: order_item.length + 1,
        organization_id: buyer.organization_id,
        order_id: id,
        product_id,
        quantity,
        unit_price: price,
      });
    }
    order.push({
      id,
      organization_id: buyer.organization_id,
      customer_id: buyer.id,
      status: chance.pick(statuses),
      ordered_at: time(chance, 400),
      total: (cents / 100).toFixed(2),
      comment: chance.chance(0.2) ? chance.pick(comments) : "",
    });
  }
  const report = Array.from({ length: sizes.report }, (_, index) => {
    const about = chance.pick(customer);
    const type = chance.pick(Object.keys(findings));
    const results = chance.pick(findings[type]);
    return {
      id: index + 1,
      organization_id: about.organization_id,
      customer_id: about.id,
      report_type: type,
      results,
      body: `${type.toLowerCase()} of ${about.name}, ${about.city}: ${results.toLowerCase()}.`,
    };
  });
  return { customer, product, order, order_item, report };
}

function customerRow(chance: Random) {
  const { address, language, ...who } = person(chance);
  const since = time(chance, 1400);
  return {
    ...who,
    email: `${address}${chance.whole(1, 99)}@example.${chance.pick(["com", "org", "net"])}`,
    age: chance.whole(18, 88),
    department: chance.pick(["SALES", "SUPPORT", "MARKETING", "OPERATIONS", "FINANCE"]),
    credit_limit: (chance.whole(0, 500) * 50).toFixed(2),
    notes: chance.chance(0.5)
      ? { language, newsletter: chance.chance(0.6), visits: chance.whole(0, 40) }
      : null,
    is_active: chance.chance(0.93),
    customer_since: since.slice(0, 10),
    created_at: since,
    updated_at: since,
  };
}

function productRow(chance: Random, number: number) {
  const material = chance.pick(["Oak", "Steel", "Glass", "Wool", "Ceramic", "Linen", "Cork"]);
  const thing = chance.pick([
    "Desk",
    "Lamp",
    "Chair",
    "Shelf",
    "Notebook",
    "Mug",
    "Blanket",
    "Clock",
  ]);
  return {
    sku: `${material.slice(0, 2)}${thing.slice(0, 2)}-${String(number + 1).padStart(4, "0")}`
      .toUpperCase(),
    name: `${material} ${thing}`,
    description: `${thing} of ${material.toLowerCase()}, № ${number + 1}, Ø ${
      chance.whole(5, 90)
    } cm`,
    price: (chance.whole(199, 89_900) / 100).toFixed(2),
    tags: ["new", "sale", "eco", "décor", "büro"].filter(() => chance.chance(0.3)),
    in_stock: chance.whole(0, 500),
  };
}

const statuses = [
  "draft",
  "placed",
  "paid",
  "paid",
  "shipped",
  "shipped",
  "delivered",
  "cancelled",
];

const comments = [
  "Leave it with the neighbour, please.",
  "Bitte vor 12 Uhr liefern!",
  "緊急です。よろしくお願いします。",
  "التسليم بعد العصر من فضلك",
  'Gift wrap: "Happy birthday, Zoë" 🎁',
];

const findings: Record<string, string[]> = {
  ANALYSIS: ["Positive", "Negative", "Inconclusive"],
  SATISFACTION: ["Very satisfied", "Satisfied", "Dissatisfied"],
  CREDIT: ["Approved", "Declined", "Under review"],
};

/** A time within `days` before the newest. */
function time(chance: Random, days: number): string {
  return new Date(newest - Math.floor(chance.next() * days * dayMs)).toISOString();
}
