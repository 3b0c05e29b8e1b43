/** Takes an installation of sb-sync, in a Django project's database, over into ours. @module */
export * from "./import_installation.ts";
export * from "./read_installation.ts";
export * from "./undo_import.ts";
