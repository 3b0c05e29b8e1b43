/** The error class, its stable codes, and what is wrong with a value in words. @module */
export * from "./check_schema.ts";
export * from "./codes.ts";
export * from "./lockstep_error.ts";
