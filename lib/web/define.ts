import { createDefine } from "fresh";
import type { Principal } from "../access/mod.ts";
import type { AdminVisit } from "./page_admin.ts";
import type { Services } from "./services.ts";

/** What the middlewares leave for the handlers of a request. */
export interface State {
  services: Services;
  requestId: string;
  /** The client's IP address. */
  address: string;
  /** Who is signed in by session cookie. */
  user?: Principal;
  /** What whoever is signed in administers; on the pages of the admin. */
  admin?: AdminVisit;
  /** Title of the page. */
  title?: string;
}

export const define = createDefine<State>();
