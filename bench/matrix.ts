/** The permission matrix in Chromium. @module */
import type { Page } from "playwright-core";
import { launchBrowser } from "../tests/support/browser.ts";
import { type Line, median } from "./table.ts";
import { password, World } from "./world.ts";

const models = 500;
const schemas = 10;
const groups = 12;
const goal = 50;
const clicks = 40;

/** From a click to the picture that shows it, with 500 models and 12 groups. */
export async function benchMatrix({ quick }: { quick: boolean }): Promise<Line[]> {
  await using world = await World.open();
  await fill(world);
  await using server = await world.startServer();
  await using browser = await launchBrowser();
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(`${server.origin}/login?next=%2Fadmin%2Fpermissions`);
  await page.fill("input[name=username]", "bench");
  await page.fill("input[name=password]", password);
  await page.click("button[type=submit]");
  await page.waitForURL("**/admin/permissions");
  await page.waitForFunction(() =>
    document.querySelectorAll(".matrix-table tr[aria-rowindex]").length > 20
  );
  await page.evaluate(watchClicks);

  const single: number[] = [];
  for (let i = 0; i < (quick ? 10 : clicks); i++) {
    const cell = page.locator(`[data-at="${2 + i % 12},${2 * (i * 5 % groups)}"]`);
    single.push(await clickTime(page, () => cell.click()));
  }
  const column: number[] = [];
  for (let i = 0; i < (quick ? 3 : 7); i++) {
    const all = page.locator(`[data-at="-1,${2 * i}"]`);
    column.push(await clickTime(page, () => all.click()));
  }
  const sizes = await page.evaluate(() =>
    performance.getEntriesByType("resource").map((entry) => entry as PerformanceResourceTiming)
      .filter(({ name }) => name.includes("/_fresh/js/"))
      .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)
  );
  return [
    line("One right, click to painted", single, goal),
    line("All rights of a column, click to painted", column),
    {
      what: "Scripts of the page, as sent",
      measured: `${(sizes / 1000).toFixed(1)} kB`,
      goal: "< 60 kB",
      met: sizes < 60_000,
    },
  ];
}

function line(what: string, samples: number[], most?: number): Line {
  const value = median(samples);
  const measured = `${value.toFixed(1)} ms (most ${Math.max(...samples).toFixed(1)} ms)`;
  return most === undefined
    ? { what, measured }
    : { what, measured, goal: `< ${most} ms`, met: value < most };
}

async function fill({ db, organizationId }: World): Promise<void> {
  const names = Array.from({ length: models }, (_, i) => [`area_${i % schemas}`, `thing_${i}`]);
  const statements = names.map(([schema, table]) =>
    `CREATE TABLE ${schema}.${table} (id bigint PRIMARY KEY,
      organization_id int REFERENCES lockstep.organization);`
  );
  for (let i = 0; i < schemas; i++) await db.script(`CREATE SCHEMA area_${i}`);
  for (let at = 0; at < statements.length; at += 50) {
    await db.script(statements.slice(at, at + 50).join("\n"));
  }
  await db.script(`
    UPDATE lockstep.app_user SET is_staff = true;
    INSERT INTO lockstep.auth_group (name)
      SELECT 'Group ' || n FROM generate_series(2, ${groups}) n;
    INSERT INTO lockstep.model_permission
        (organization_id, group_id, model_name, can_push, can_pull, filters)
      SELECT ${organizationId}, g.id, 'area_' || n % ${schemas} || '.Thing' || n, n % 3 = 0,
        n % 2 = 0, CASE WHEN n % 7 = 0 THEN '{"id__gt": 5}'::jsonb END
      FROM lockstep.auth_group g, generate_series(0, ${models - 1}) n`);
}

type Watched = typeof globalThis & { clickTimes?: number[] };

/** Notes for each click when the frame that shows it was painted. */
function watchClicks(): void {
  const times: number[] = (globalThis as Watched).clickTimes = [];
  addEventListener("click", (event) => {
    if (!(event.target instanceof HTMLInputElement)) return;
    requestAnimationFrame(() => {
      // A message comes after the frame that has just begun.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => times.push(performance.now() - event.timeStamp);
      port2.postMessage(null);
    });
  }, true);
}

async function clickTime(page: Page, click: () => Promise<void>): Promise<number> {
  await page.evaluate(() => (globalThis as Watched).clickTimes!.length = 0);
  await click();
  await page.waitForFunction(() => (globalThis as Watched).clickTimes!.length > 0);
  const [time] = await page.evaluate(() => (globalThis as Watched).clickTimes!);
  await page.waitForFunction(() =>
    !document.querySelector(".is-saving") || document.querySelector("dialog[open]")
  );
  const question = page.locator("dialog[open] .btn-danger");
  if (await question.count() > 0) await question.click();
  await page.waitForFunction(() => !document.querySelector(".is-saving"));
  return time;
}
