import { adminVisit } from "../../lib/web/mod.ts";

export default adminVisit;
