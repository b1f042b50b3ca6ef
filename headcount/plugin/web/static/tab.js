// Fills Locust's tab "Delivery" with the delivery page. While Locust shows no tabs, adds a
// link to the past runs instead.
// Gives names to those of Locust's buttons that have none.
"use strict";

(() => {
  const PAGE = "./headcount/delivery";

  const frame = document.createElement("iframe");
  frame.src = PAGE;
  frame.title = "Delivery";
  frame.style.cssText = "display:none;width:100%;border:0;min-height:70vh";

  const link = document.createElement("a");
  link.href = "./headcount/runs";
  link.textContent = "Past runs";
  link.style.cssText = "color:inherit;margin:0 1rem;font:500 .9rem system-ui,sans-serif";

  function place() {
    const tabs = document.querySelector("[role=tablist]");
    const bar = document.querySelector("header .MuiToolbar-root") || document.querySelector("header");
    // With tabs, the delivery page has this link.
    if (tabs) link.remove();
    else if (bar && !bar.contains(link)) bar.append(link);
    const home = tabs && tabs.closest(".MuiContainer-root, main, #root > *");
    if (home && frame.parentElement !== home) home.append(frame);
    const chosen = tabs && tabs.querySelector("[role=tab][aria-selected=true]");
    const shown = chosen && chosen.textContent.trim() === "Delivery" ? "block" : "none";
    if (frame.style.display !== shown) frame.style.display = shown;
    nameButtons();
  }

  // Some of Locust's buttons have only an icon, so a screen reader could not name them.
  const NAMES = {
    "M14.67 5v14H9.33V5z": "Choose columns",
    "M20 8.69V4h-4.69L12 .69": "Switch between light and dark",
  };

  function nameButtons() {
    for (const [icon, name] of Object.entries(NAMES)) {
      for (const path of document.querySelectorAll(`button:not([aria-label]) path[d^="${icon}"]`)) {
        path.closest("button").setAttribute("aria-label", name);
      }
    }
  }

  // The delivery page posts its height.
  window.addEventListener("message", (event) => {
    if (event.source === frame.contentWindow && event.data && event.data.height > 0) {
      frame.style.height = `${event.data.height + 24}px`;
    }
  });

  new MutationObserver(place).observe(document.getElementById("root"), {
    attributeFilter: ["aria-selected"],
    childList: true,
    subtree: true,
  });
  place();
})();
