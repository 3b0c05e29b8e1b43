/** A route of the API and the methods that it answers. */
export interface ApiRoute {
  /** As OpenAPI writes it, without a slash at its end: `/api/admin/users/{id}`. */
  path: string;
  methods: string[];
}

/** Pages below `/api/`, and redirects to pages. */
const pages = ["/api/docs", /^\/api\/sync\/config(?:\/|$)/];

/** Every route of the API, read from the route tree. */
export async function apiRoutes(folder = "routes/api"): Promise<ApiRoute[]> {
  const root = new URL(`../${folder}/`, import.meta.url);
  const routes: ApiRoute[] = [];
  for await (const { name, isDirectory } of Deno.readDir(root)) {
    if (name.startsWith("(_") || name.startsWith("_")) continue;
    if (isDirectory) {
      routes.push(...await apiRoutes(`${folder}/${name}`));
      continue;
    }
    const file = `${folder}/${name}`.replace(/\.tsx?$/, "");
    const path = `/${file.slice("routes/".length)}`.replace(/\/index$/, "")
      .replaceAll(/\[(\w+)\]/g, "{$1}");
    if (pages.some((page) => typeof page === "string" ? page === path : page.test(path))) continue;
    const module = await import(new URL(encodeURIComponent(name), root).href);
    routes.push({ path, methods: Object.keys(module.handler) });
  }
  return routes.sort((a, b) => a.path < b.path ? -1 : 1);
}
