/** What a page was refused with; the message is a sentence for people. */
export class PageError extends Error {}

const longestWait = 30_000;

/**
 * Asks for a page and puts its regions in the place of those of the same name in this one. A region
 * is an element with `data-live`.
 *
 * @throws PageError
 */
export async function refreshRegions(url: string, init: RequestInit = {}): Promise<void> {
  let response: Response;
  try {
    response = await fetch(url, {
      ...init,
      signal: init.signal ?? AbortSignal.timeout(longestWait),
    });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new PageError("The server cannot be reached.");
  }
  if (response.redirected && new URL(response.url).pathname === "/login") {
    throw new PageError("You are no longer signed in. Sign in again in another tab.");
  }
  if (!response.headers.get("Content-Type")?.startsWith("text/html") || response.status >= 500) {
    throw new PageError(`The server answered ${response.status}.`);
  }
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const regions = fresh.querySelectorAll("[data-live]");
  if (regions.length === 0) {
    throw new PageError(fresh.querySelector("h1")?.textContent ?? "The page is not available.");
  }
  for (const region of regions) {
    const shown = document.querySelector(`[data-live="${region.getAttribute("data-live")}"]`);
    if (shown) renew(shown, region);
  }
}

/**
 * Makes `shown` what `fresh` is. What is the same stays the same element, so that focus, selection and
 * opened details are not lost; entries with `data-key` are told apart by it.
 */
function renew(shown: Element, fresh: Element): void {
  if (shown.isEqualNode(fresh)) return;
  for (const { name, value } of fresh.attributes) {
    // People open and close details.
    if (name !== "open" && shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  }
  for (const { name } of [...shown.attributes]) {
    if (name !== "open" && !fresh.hasAttribute(name)) shown.removeAttribute(name);
  }
  const known = new Map(
    [...shown.children].map((child) => [child.getAttribute("data-key"), child] as const)
      .filter(([key]) => key !== null),
  );
  let at = shown.firstChild;
  for (const child of [...fresh.childNodes]) {
    const key = child instanceof Element ? child.getAttribute("data-key") : null;
    const same = key === null ? likely(at, child) : known.get(key);
    if (same) {
      if (same === at) at = at.nextSibling;
      else shown.insertBefore(same, at);
      if (same instanceof Element && child instanceof Element) renew(same, child);
      else if (same.nodeValue !== child.nodeValue) same.nodeValue = child.nodeValue;
    } else shown.insertBefore(document.importNode(child, true), at);
  }
  while (at) {
    const next: ChildNode | null = at.nextSibling;
    at.remove();
    at = next;
  }
}

/** The element in the same place, if it is of the same kind. */
function likely(at: ChildNode | null, child: ChildNode): ChildNode | undefined {
  if (!at || at.nodeName !== child.nodeName) return;
  return at instanceof Element && at.hasAttribute("data-key") ? undefined : at;
}
