/** The example system: organizations, users, permissions, and an application's tables with data. @module */
export * from "./demo_banner.ts";
export * from "./example_access.ts";
export * from "./load_demo.ts";
export { demoModels } from "./schema.ts";
