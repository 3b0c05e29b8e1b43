import manifest from "../../deno.json" with { type: "json" };

/** The version of this release. */
export const version: string = manifest.version;
