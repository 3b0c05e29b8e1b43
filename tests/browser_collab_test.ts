import { expect } from "expect";
import type { Page } from "playwright-core";
import {
  axeViolations,
  browserSteps,
  browserTest,
  looks,
  overflow,
  picture,
  type Site,
} from "./browser_support.ts";
import {
  aCustomer,
  alive,
  expectNotReloaded,
  isEditor,
  isViewer,
  noticed,
  openRecord,
  save,
  shows,
  stored,
} from "./collab_browser_support.ts";
import { saveSetting } from "./support/settings.ts";
import { until } from "./support/until.ts";

const disabled = (page: Page) => page.isDisabled("[name='v.city']");

async function ask(page: Page, message = ""): Promise<void> {
  await page.click("button:has-text('Request Editor Attention')");
  await page.fill(".lock-note input", message);
  await page.click(".lock-note .btn-primary");
}

browserSteps("a record is edited together", {
  "one edits, the other sees each save land, asks, and gets the lock with the unsaved input":
    async (site) => {
      const id = await aCustomer(site);
      const sam = await openRecord(site, "sam_staff", id);
      const ada = await openRecord(site, "admin", id);
      await isEditor(sam);
      await isViewer(ada);
      expect([await disabled(sam), await disabled(ada)]).toEqual([false, true]);
      expect(await ada.textContent(".lock-state")).toContain("is being edited by");
      await sam.waitForSelector(".presence li");
      await ada.waitForSelector(".presence li.is-editor");

      await sam.focus("[name='v.city']");
      await ada.waitForSelector("[data-name=city] .field-presence");
      await sam.fill("[name='v.city']", "Landed");
      await ada.waitForSelector("[data-name=city] .field-presence:has-text('typing')");
      await save(sam);
      await shows(ada, "city", "Landed");
      await ada.waitForSelector("[data-name=city].is-landed .landed-note:has-text('sam')");
      await noticed(ada, "changed City");
      expect(await stored(site, id, "city")).toBe("Landed");
      // Who saved keeps the lock and can save again at once.
      await sam.fill("[name='v.city']", "Landed again");
      await save(sam);
      await shows(ada, "city", "Landed again");

      await sam.fill("[name='v.phone']", "+1 555 unsaved");
      await sam.fill("[name='v.city']", "Half done");
      await ask(ada, "I know the phone number");
      await sam.waitForSelector(".request-toast:has-text('I know the phone number')");
      await noticed(ada, "Request sent.");
      await ada.waitForSelector(".lock-state:has-text('You are next')");
      await sam.click(".request-toast >> text=Hand over unsaved");
      await isEditor(ada);
      await isViewer(sam);
      await shows(ada, "phone", "+1 555 unsaved");
      await shows(ada, "city", "Half done");
      await noticed(ada, "handed over to you");
      // What was handed over is on the screen of its author too.
      await sam.waitForSelector(".kept-input:has-text('+1 555 unsaved')");
      await shows(sam, "city", "Landed again");
      await save(ada);
      await shows(sam, "phone", "+1 555 unsaved");
      expect(await stored(site, id, "city")).toBe("Half done");
      await expectNotReloaded(sam, ada);
      expect(site.complaints).toEqual([]);
    },

  "who waits is promoted without reloading when the editor leaves, first come first": async (
    site,
  ) => {
    const id = await aCustomer(site);
    const sam = await openRecord(site, "sam_staff", id);
    const ada = await openRecord(site, "admin", id);
    const second = await openRecord(site, "sam_staff", id);
    await second.waitForSelector(".lock-state:text('You are editing this page in another tab.')");
    expect(await second.locator(".lock-bar button").allTextContents()).toEqual([
      "Edit here instead",
    ]);
    await ask(ada);
    await ada.waitForSelector(".lock-state:has-text('You are next')");
    await sam.fill("[name='v.city']", "Saved and left");
    await sam.locator(".request-toast").first().waitFor();
    await sam.locator(".request-toast >> text=Save and hand over").first().click();
    await isEditor(ada);
    expect(await stored(site, id, "city")).toBe("Saved and left");
    await shows(ada, "city", "Saved and left");
    await ask(second);
    await second.waitForSelector(".lock-state:has-text('You are next')");

    // A closed tab waits for nobody's grace: it says that it leaves.
    await ada.close({ runBeforeUnload: true });
    await isEditor(second);
    expect(await disabled(second)).toBe(false);
    await expectNotReloaded(sam, second);
    expect(site.complaints).toEqual([]);
  },

  "staff take over by force: audited, and the loser's unsaved input stays on the screen": async (
    site,
  ) => {
    const id = await aCustomer(site);
    const sam = await openRecord(site, "sam_staff", id);
    const ada = await openRecord(site, "admin", id);
    await sam.fill("[name='v.city']", "Not saved yet");
    await ask(ada);
    await sam.click(".request-toast >> text=Not yet");
    await noticed(ada, "not yet");
    await ada.click("text=Take over…");
    await ada.fill(".lock-note input", "The customer is on the phone");
    await ada.click(".lock-note .btn-danger");
    await isEditor(ada);
    await isViewer(sam);
    await noticed(sam, "The customer is on the phone");
    await sam.waitForSelector(
      ".kept-input:has-text('took over the lock'):has-text('Not saved yet')",
    );
    expect(await sam.isDisabled(".save-bar [type=submit]")).toBe(true);
    const [event] = await site.app.db.query<{ actor: string; after: { reason: string } }>(
      `SELECT actor, after FROM lockstep.audit_event WHERE action = 'take_over'`,
    );
    expect([event.actor, event.after.reason]).toEqual(["admin", "The customer is on the phone"]);

    // The one who lost gets the lock back, and the input back into the form.
    await ask(sam);
    await ada.click(".request-toast .btn-primary");
    await isEditor(sam);
    await sam.click("text=Put it back into the form");
    await shows(sam, "city", "Not saved yet");
    await save(sam);
    expect(await stored(site, id, "city")).toBe("Not saved yet");
    await expectNotReloaded(sam, ada);
    expect(site.complaints).toEqual([]);
  },

  "staff who have two tabs go on in the other one; what was typed in the first is kept": async (
    site,
  ) => {
    const id = await aCustomer(site);
    const first = await openRecord(site, "sam_staff", id);
    await first.fill("[name='v.city']", "In the first tab");
    const second = await first.context().newPage();
    await second.goto(first.url());
    await second.click("text=Edit here instead");
    await isEditor(second);
    await first.waitForSelector(".lock-state:text('You are editing this page in another tab.')");
    await first.waitForSelector(".kept-input:has-text('In the first tab')");
    await second.fill("[name='v.city']", "In the second");
    await save(second);
    await shows(first, "city", "In the second");
    await expectNotReloaded(first);
  },

  "what a save came to is said in the bar too, where the top is out of sight": async (site) => {
    const id = await aCustomer(site);
    const sam = await openRecord(site, "sam_staff", id, { viewport: { width: 800, height: 500 } });
    const bar = sam.locator(".bar-notice");
    await sam.fill("[name='v.city']", "Saved below");
    await sam.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await sam.click(".save-bar [type=submit]");
    await bar.filter({ hasText: "Saved. Changed: City." }).waitFor();
    expect(await bar.evaluate((element) => element.getBoundingClientRect().bottom <= innerHeight))
      .toBe(true);
    await bar.locator("button").click();
    await bar.waitFor({ state: "detached" });
    expect(await sam.evaluate(() => document.activeElement?.id)).toBe("record-notices");

    await sam.fill("[name='v.city']", "Mine");
    await sam.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await site.app.db.query("UPDATE myapp.customer SET city = 'Theirs' WHERE id = $1", [id]);
    await bar.filter({ hasText: "Somebody else changed this record" }).waitFor();
    await bar.locator("button", { hasText: "Go to the field" }).click();
    expect(await sam.evaluate(() => document.activeElement?.closest(".field-clash") !== null))
      .toBe(true);
  },

  "the focus stays beside what was done: asking, waiting, answering": async (site) => {
    const id = await aCustomer(site);
    const sam = await openRecord(site, "sam_staff", id);
    const ada = await openRecord(site, "admin", id);
    const focused = (page: Page) =>
      page.evaluate(() => document.activeElement?.textContent?.trim());
    await ask(ada);
    await ada.waitForSelector(".lock-state:has-text('You are next')");
    expect(await focused(ada)).toBe("Stop waiting");
    await ada.keyboard.press("Enter");
    await ada.waitForFunction(() => !document.body.innerText.includes("Stop waiting"));
    expect(await focused(ada)).toBe("Request Editor Attention");
    await ada.keyboard.press("Enter");
    await ada.keyboard.type("Again");
    await ada.keyboard.press("Escape");
    expect(await focused(ada)).toBe("Request Editor Attention");
    // Too early to be heard again: the place in the queue is had, and the text kept.
    await ask(ada, "Once more");
    await noticed(ada, "You wait in the queue");
    await ada.waitForSelector(".lock-state:has-text('You are next')");
    await ada.click("text=Stop waiting");
    await ada.click("button:has-text('Request Editor Attention')");
    expect(await ada.inputValue(".lock-note input")).toBe("Once more");
    await ada.keyboard.press("Escape");
    await sam.click(".request-toast >> text=Not yet");
    expect(await focused(sam)).toBe("You are in editor mode.");
    await ada.click("text=Take over…");
    await ada.keyboard.press("Enter");
    await isEditor(ada);
    expect(await focused(ada)).toBe("You are in editor mode.");
  },

  "a push or SQL to a record under edit: untouched fields follow, touched ones are chosen": async (
    site,
  ) => {
    const id = await aCustomer(site);
    const sam = await openRecord(site, "sam_staff", id);
    await sam.fill("[name='v.city']", "Mine");
    await sam.fill("[name='v.country']", "Mine too");
    await site.app.db.query(
      "UPDATE myapp.customer SET city = 'Theirs', country = 'Theirs too', age = 41 WHERE id = $1",
      [id],
    );
    await noticed(sam, "Somebody else changed this record while you edited it");
    await shows(sam, "age", "41");
    await shows(sam, "city", "Mine");
    await sam.click(".save-bar [type=submit]");
    await noticed(sam, "Choose for each marked field");
    expect(await stored(site, id, "city")).toBe("Theirs");
    await sam.check("[name='keep.city'][value=yours]");
    await sam.check("[name='keep.country'][value=theirs]");
    await shows(sam, "country", "Theirs too");
    await sam.check("[name='keep.country'][value=yours]");
    await shows(sam, "country", "Mine too");
    await sam.check("[name='keep.country'][value=theirs]");
    await save(sam);
    expect([await stored(site, id, "city"), await stored(site, id, "country")])
      .toEqual(["Mine", "Theirs too"]);
    expect(await stored(site, id, "age")).toBe("41");

    expect(site.complaints).toEqual([]);
  },

  "a lost connection keeps the editor's place and input; another one then gets the lock": async (
    site,
  ) => {
    const id = await aCustomer(site);
    const sam = await openRecord(site, "sam_staff", id);
    const sockets: { close(): Promise<void> }[] = [];
    let cut = false;
    await sam.routeWebSocket(/\/admin\/collaboration\/myapp/, (socket) => {
      if (cut) return socket.close({ code: 1011 });
      const server = socket.connectToServer();
      sockets.push({
        async close() {
          await server.close();
          await socket.close({ code: 1011 });
        },
      });
    });
    await sam.reload();
    await alive(sam);
    const ada = await openRecord(site, "admin", id);
    await ask(ada);
    await sam.fill("[name='v.city']", "Typed before the cut");
    cut = true;
    await sockets.at(-1)!.close();
    await sam.waitForSelector(".lock-state:has-text('Keeping your place for')");
    await ada.waitForSelector(".lock-state:has-text('place is kept')");
    expect(await disabled(sam)).toBe(false);
    cut = false;
    await isEditor(sam);
    await shows(sam, "city", "Typed before the cut");
    await save(sam);
    expect(await stored(site, id, "city")).toBe("Typed before the cut");
    await expectNotReloaded(sam, ada);
  },

  "chat: history, unread counts, all tabs of a person, links, who is offline": async (site) => {
    const id = await aCustomer(site);
    const sam = await openRecord(site, "sam_staff", id);
    const ada = await openRecord(site, "admin", id);
    const tab = await alive(
      await (async () => {
        const page = await ada.context().newPage();
        await page.goto(ada.url());
        return page;
      })(),
    );
    const open = (page: Page) => page.click(".chat-toggle");
    const talk = (page: Page) => page.click(".chat-contacts button");
    const say = async (page: Page, text: string) => {
      await page.fill(".chat-input textarea", text);
      await page.press(".chat-input textarea", "Enter");
      await page.locator(".chat-message.is-own", { hasText: text }).waitFor();
    };
    await open(sam);
    await talk(sam);
    await say(sam, "See https://example.org/x, javascript:alert(1) <b>now</b>");
    for (const page of [ada, tab]) await page.waitForSelector(".chat-toggle .chat-unread");
    await open(ada);
    await talk(ada);
    const links = ada.locator(".chat-message a");
    await links.first().waitFor();
    expect(await links.count()).toBe(1);
    expect(await links.getAttribute("href")).toBe("https://example.org/x");
    expect(await links.getAttribute("rel")).toContain("noopener");
    await sam.waitForSelector(".chat-message:has-text('Read')");
    await tab.waitForSelector(".chat-toggle .chat-unread", { state: "detached" });
    await ada.press(".chat-input textarea", "H");
    await sam.waitForSelector(".chat-typing:has-text('is typing')");
    await say(ada, "Hello back");
    await open(tab);
    await talk(tab);
    await tab.locator(".chat-message.is-own", { hasText: "Hello back" }).waitFor();
    await sam.locator(".chat-message", { hasText: "Hello back" }).waitFor();

    await sam.close();
    await ada.waitForSelector(".chat-presence:has-text('Offline')");
    await say(ada, "Read this later");
    const back = await openRecord(site, "sam_staff", id);
    await back.waitForSelector(".chat-toggle .chat-unread:has-text('1')");
    await open(back);
    await talk(back);
    await back.locator(".chat-message", { hasText: "Read this later" }).waitFor();
    expect(await back.locator(".chat-message").count()).toBe(3);
    expect(site.complaints).toEqual([]);
  },

  ...Object.fromEntries(looks.map(({ name, ...look }) => [
    `it looks well: ${name}`,
    async (site: Site) => {
      const id = await aCustomer(site);
      const sam = await openRecord(site, "sam_staff", id, { ...look, bypassCSP: true });
      const ada = await openRecord(site, "admin", id, { ...look, bypassCSP: true });
      const seen = async (page: Page, title: string) => {
        await picture(page, `together-${title}-${name}`);
        expect([title, await axeViolations(page), await overflow(page)]).toEqual([title, [], 0]);
      };
      await sam.fill("[name='v.city']", "Nearly done");
      await ada.click("button:has-text('Request Editor Attention')");
      await seen(ada, "asking");
      await ada.fill(".lock-note input", "May I?");
      await ada.click(".lock-note .btn-primary");
      await sam.waitForSelector(".request-toast");
      await sam.click(".chat-toggle");
      await sam.click(".chat-contacts button");
      await sam.fill(".chat-input textarea", "One minute, see https://example.org");
      await sam.press(".chat-input textarea", "Enter");
      await sam.waitForSelector(".chat-message:has-text('Sent')");
      await ada.waitForSelector(".chat-unread");
      await seen(sam, "asked");
      await sam.click(".request-toast >> text=Not yet");
      await sam.click(".chat-toggle");
      await site.app.db.query(
        "UPDATE myapp.customer SET city = 'Elsewhere', age = 40 WHERE id = $1",
        [id],
      );
      await sam.waitForSelector(".field-clash");
      await ada.waitForSelector("[data-name=city].is-landed");
      await seen(sam, "clash");
      await seen(ada, "landed");
      await ada.click("text=Take over…");
      await ada.click(".lock-note .btn-danger");
      await sam.waitForSelector(".kept-input");
      await seen(sam, "taken");
      await seen(ada, "editor");
    },
  ])),
});

browserTest("people who edit together see each other's pictures", async (site) => {
  const picture =
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk" +
    "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
  await site.app.db.query(
    "UPDATE lockstep.app_user SET avatar_url = $1 WHERE username = 'sam_staff'",
    [picture],
  );
  await saveSetting(site.app.db, "COLLABORATION", "AVATAR_FIELD", "avatar_url");
  await until(async () => {
    const { COLLABORATION } = await site.app.running.services.settings.current();
    return COLLABORATION.AVATAR_FIELD === "avatar_url";
  });
  const id = await aCustomer(site);
  const sam = await openRecord(site, "sam_staff", id);
  await isEditor(sam);
  const ada = await openRecord(site, "admin", id);
  const shown = ada.locator(".presence img.avatar").first();
  await shown.waitFor();
  expect(await shown.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBe(1);
  expect(site.complaints).toEqual([]);
});
