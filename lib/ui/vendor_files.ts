/** Static files that the build takes from npm packages: URL path to path below the project. */
export const VENDOR_FILES: Record<string, string> = {
  "/vendor/bootstrap.min.css": "node_modules/bootstrap/dist/css/bootstrap.min.css",
  "/vendor/bootstrap-icons.min.css": "node_modules/bootstrap-icons/font/bootstrap-icons.min.css",
  "/vendor/fonts/bootstrap-icons.woff2":
    "node_modules/bootstrap-icons/font/fonts/bootstrap-icons.woff2",
};
