// Runs before the first paint (a classic script in the head), so that a chosen theme does not flash.
(() => {
  const KEY = "dubkit-theme";
  let chosen = "auto";
  try {
    chosen = localStorage.getItem(KEY) || "auto";
  } catch {
    // Storage may be forbidden; the system's choice then stands.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
