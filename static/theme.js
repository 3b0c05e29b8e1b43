// Runs before the page is painted, so that a dark page never flashes white and no row jumps.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const stored = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      // Storage may be forbidden; the system's choice is left.
      return null;
    }
  };
  const apply = () => {
    const choice = stored("theme");
    const theme = choice === "light" || choice === "dark"
      ? choice
      : dark.matches
      ? "dark"
      : "light";
    document.documentElement.setAttribute("data-bs-theme", theme);
    document.documentElement.setAttribute("data-rows", stored("rows") ?? "");
  };
  apply();
  dark.addEventListener("change", apply);
  addEventListener("storage", apply);
  addEventListener("themechange", apply);
})();
