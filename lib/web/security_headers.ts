import { csp } from "fresh";
import { define, type State } from "./define.ts";
import { isSecure } from "./request_origin.ts";

const pagePolicy = csp<State>({
  useNonce: true,
  csp: [
    "default-src 'none'",
    // Rendering puts the page's nonce in the place of 'unsafe-inline'.
    "script-src 'unsafe-inline' 'strict-dynamic'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "media-src 'none'",
    "worker-src 'none'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ],
});

/** Of anything that is no page: were it shown as one, it could load and do nothing. */
const otherPolicy = "default-src 'none'; frame-ancestors 'none'";

const fixed = {
  "X-Content-Type-Options": "nosniff",
  // Not `no-referrer`: then browsers send `Origin: null` with the site's own forms.
  "Referrer-Policy": "same-origin",
  "Permissions-Policy":
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
  "Cross-Origin-Opener-Policy": "same-origin",
};

/** Says in the headers of every answer what browsers may do with it, and nothing besides. */
export const securityHeaders = define.middleware(async (ctx) => {
  const response = await pagePolicy(ctx);
  const { headers } = response;
  // An upgrade to a WebSocket: its headers are immutable, and no browser reads these there.
  if (response.status === 101) return response;
  if (!headers.get("Content-Type")?.startsWith("text/html")) {
    headers.set("Content-Security-Policy", otherPolicy);
  }
  for (const [name, value] of Object.entries(fixed)) headers.set(name, value);
  if (isSecure(ctx)) headers.set("Strict-Transport-Security", "max-age=31536000");
  return response;
});
