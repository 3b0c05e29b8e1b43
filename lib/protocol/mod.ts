/** Names, messages and limits that server and browser share. @module */
export * from "./collab.ts";
