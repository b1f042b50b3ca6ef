// Applies the light or dark theme of Locust's own pages.
"use strict";

(() => {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  function apply() {
    const dark = localStorage.theme ? localStorage.theme === "dark" : system.matches;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    window.dispatchEvent(new Event("theme"));
  }
  window.addEventListener("storage", apply);
  system.addEventListener("change", apply);
  apply();
})();
