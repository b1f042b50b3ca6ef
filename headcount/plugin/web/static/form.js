// Adds Headcount's group of fields to Locust's start form, and shows mistakes at their fields.
"use strict";

(() => {
  const FIELDS = "./headcount/start-form.html";
  const CHECK = "./headcount/start-form";
  const pending = new WeakSet();

  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = "./headcount/static/form.css";
  document.head.append(style);

  // The colour of Locust's text tells which theme it has.
  function applyTheme(group) {
    const [red, green, blue] = getComputedStyle(group.parentElement).color.match(/\d+/g).map(Number);
    group.dataset.theme = red + green + blue > 384 ? "dark" : "light";
  }

  function show(group, mistakes) {
    for (const field of group.querySelectorAll("input, select")) {
      const mistake = mistakes[field.name] || "";
      const text = group.querySelector(`#headcount-${field.name}-mistake`);
      text.textContent = mistake;
      text.hidden = !mistake;
      if (mistake) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
  }

  async function check(group) {
    const values = [...group.querySelectorAll("input, select")].map((field) => [field.name, field.value]);
    const response = await fetch(CHECK, { method: "POST", body: new URLSearchParams(values) });
    if (response.ok) show(group, await response.json());
    return group.querySelector("[aria-invalid]");
  }

  async function checkAndGoTo(group) {
    const first = await check(group);
    if (!first || !group.isConnected) return;
    group.open = true;
    first.focus();
  }

  async function add(form) {
    pending.add(form);
    const response = await fetch(FIELDS);
    if (!response.ok || !form.isConnected) return;
    const template = document.createElement("template");
    template.innerHTML = await response.text();
    const group = template.content.firstElementChild;
    // React finds its own elements by reference, so others may stand between them.
    const button = form.querySelector("button[type=submit]");
    button.parentElement.insertBefore(group, button);
    applyTheme(group);
    group.addEventListener("change", () => check(group));
    form.addEventListener("submit", () => checkAndGoTo(group), true);
  }

  // The form that edits a running test has no host, and cannot change these options.
  function place() {
    for (const host of document.querySelectorAll("form input[name=host]")) {
      if (!pending.has(host.form)) add(host.form);
    }
    for (const group of document.querySelectorAll(".headcount-form")) applyTheme(group);
  }

  new MutationObserver(place).observe(document.body, { attributeFilter: ["class"], childList: true, subtree: true });
  place();
})();
