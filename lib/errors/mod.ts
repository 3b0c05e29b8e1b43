/** The error class and its stable codes. @module */
export * from "./codes.ts";
export * from "./lockstep_error.ts";
