/** Configuration: the process's environment, and the settings that are stored in the database. @module */
export * from "./check_settings.ts";
export * from "./environment.ts";
export * from "./env_file.ts";
export * from "./load_secret.ts";
export { type Secret, trustedProxies } from "./variables.ts";
export * from "./settings.ts";
