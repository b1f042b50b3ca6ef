"use strict";
// Without this script the table shows all rows with their steps; with it, readers filter the rows, by
// the tools above or by a link such as #exceptions?class=lost, and open the steps of one id.
(() => {
  const tools = document.getElementById("exception-tools");
  if (!tools) return;
  const region = document.getElementById("exception-rows");
  const table = document.getElementById("exception-table");
  const status = document.getElementById("exception-count");
  const fields = [...tools.elements].filter((field) => field.name);
  const FILTERS = ["type", "partition", "process", "error"];
  const DAY_MS = 86_400_000;

  const entries = [...table.tBodies].map((body) => ({
    body,
    at: body.dataset.at ? Number(body.dataset.at) : NaN,
    classes: body.dataset.class.split(" "),
    words: body.textContent.toLowerCase(),
  }));
  const times = entries.map((entry) => entry.at).filter((at) => !Number.isNaN(at));
  const first = Math.min(...times);
  const day = Math.floor(first / DAY_MS) * DAY_MS;

  // A time of day is on the day of the first exception, or on the next day if it would be more than half a day before
  // that exception. As the end of a range, 11:50:44 includes all of that second.
  const timeOf = (text, isEnd) => {
    const clock = /^(\d\d?):(\d\d)(?::(\d\d)(\.\d+)?)?$/.exec(text);
    if (!clock) return Date.parse(/^[\d-]+[T ][\d:.]+$/.test(text) ? `${text.replace(" ", "T")}Z` : text);
    const [hours, minutes, seconds] = clock.slice(1, 4).map((part) => Number(part ?? 0));
    const fraction = Number(clock[4] ?? 0) * 1000;
    const at = day + ((hours * 60 + minutes) * 60 + seconds) * 1000 + fraction;
    const rest = isEnd && !clock[4] ? (clock[3] ? 999 : 59_999) : 0;
    return (at + rest < first - DAY_MS / 2 ? at + DAY_MS : at) + rest;
  };

  const clockOf = (text) => {
    const at = Date.parse(text);
    if (Number.isNaN(at) || at < day || at >= day + DAY_MS) return text;
    return new Date(at).toISOString().slice(11, -1).replace(/\.000$/, "");
  };

  const setSteps = (entry, isOpen) => {
    entry.body.rows[1].hidden = !isOpen;
    entry.body.querySelector("button").setAttribute("aria-expanded", isOpen);
  };

  const bound = (name) => {
    const field = tools.elements[name];
    const at = field.value ? timeOf(field.value.trim(), name === "to") : NaN;
    const isWrong = field.value !== "" && Number.isNaN(at);
    field.setCustomValidity(isWrong ? "A time such as 11:50:44" : "");
    return at;
  };

  const apply = () => {
    const value = (name) => tools.elements[name]?.value ?? "";
    const [from, to] = [bound("from"), bound("to")];
    const words = value("text").toLowerCase().split(/\s+/).filter(Boolean);
    const isShown = ({ body, at, classes, words: content }) =>
      (!value("class") || classes.includes(value("class"))) &&
      FILTERS.every((name) => !value(name) || body.dataset[name] === value(name)) &&
      (Number.isNaN(from) || at >= from) &&
      (Number.isNaN(to) || at <= to) &&
      words.every((word) => content.includes(word));
    let shown = 0;
    for (const entry of entries) {
      entry.body.hidden = !isShown(entry);
      shown += entry.body.hidden ? 0 : 1;
    }
    const rows = `${shown.toLocaleString("en")} of ${entries.length.toLocaleString("en")} rows`;
    // Paper has only the rows that the filters leave, so their number is printed, too.
    status.classList.toggle("filtered", shown < entries.length);
    status.textContent = shown ? rows : `${rows}: no row on this page matches; exceptions.csv has all exceptions`;
    return entries.filter((entry) => !entry.body.hidden);
  };

  // A link may name a value that no row has, such as another partition: the filter then leaves no row.
  const set = (field, value) => {
    if (field.tagName === "SELECT" && ![...field.options].some((option) => option.value === value)) {
      field.add(new Option(value, value));
    }
    field.value = field.name === "from" || field.name === "to" ? clockOf(value) : value;
  };

  const addField = (name) => {
    const field = document.createElement("input");
    const label = document.createElement("label");
    field.name = name;
    label.append(`${name[0].toUpperCase()}${name.slice(1)} `, field);
    tools.querySelector("label").after(label);
    fields.push(field);
    return field;
  };

  const follow = () => {
    const [place, query] = decodeURI(location.hash).split(/\?(.*)/s);
    if (place !== "#exceptions" || query === undefined) return;
    const filters = new URLSearchParams(location.hash.slice(place.length + 1));
    for (const name of FILTERS) {
      if (filters.has(name) && !tools.elements[name]) addField(name);
    }
    for (const field of fields) set(field, filters.get(field.name) ?? "");
    const shown = apply();
    if (shown.length === 1) setSteps(shown[0], true);
    tools.scrollIntoView({ behavior: "instant" });
    region.scrollTop = 0;
  };

  const remember = () => {
    const filters = new URLSearchParams(fields.filter((field) => field.value).map((field) => [field.name, field.value]));
    history.replaceState(null, "", filters.size ? `#exceptions?${filters}` : "#exceptions");
  };

  // Links lead to these anchors only without this script; with it, the browser must not jump there.
  for (const place of table.querySelectorAll("span[id]")) place.remove();
  for (const entry of entries) {
    const id = entry.body.querySelector("td.id span:last-child");
    const button = document.createElement("button");
    button.type = "button";
    button.append(...id.childNodes);
    id.append(button);
    setSteps(entry, false);
  }
  table.classList.add("live");
  table.addEventListener("click", (event) => {
    const row = event.target.closest("tbody tr:first-child");
    if (!row || String(getSelection())) return;
    const entry = entries.find(({ body }) => body === row.parentNode);
    setSteps(entry, row.nextElementSibling.hidden);
  });
  tools.addEventListener("input", apply);
  tools.addEventListener("change", remember);
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("reset", () => setTimeout(() => { apply(); remember(); }));
  addEventListener("hashchange", follow);
  tools.hidden = false;
  apply();
  follow();
})();
