// Shows the state of the current or latest run, and polls it once a second.
"use strict";

(() => {
  const EVERY_MS = 1000;
  const TIMEOUT_MS = 15000;
  const LONG_NOTE = 24;
  const RESULTS = { kept: "green", broken: "red", unproven: "yellow" };
  const byId = (id) => document.getElementById(id);
  let last = null;
  let before = "";

  function cell(text, tag = "td", type = "") {
    const element = document.createElement(tag);
    element.textContent = text;
    if (type) element.className = type;
    if (tag === "th") element.scope = "row";
    return element;
  }

  // On a phone, each cell shows the name of its column.
  function named(text, name) {
    const element = cell(text);
    element.dataset.name = name;
    return element;
  }

  function row(cells, type = "") {
    const element = document.createElement("tr");
    element.className = type;
    element.append(...cells);
    return element;
  }

  function link(text, href, type = "") {
    const element = cell(text, "a", type);
    element.href = href;
    element.target = "_blank";
    element.rel = "noopener";
    return element;
  }

  function explained(text, explanation) {
    const element = cell(text, "span", "explained");
    element.dataset.tip = explanation;
    element.tabIndex = 0;
    return element;
  }

  const coloured = (element, kind) => {
    element.style.setProperty("--kind", `var(--${kind})`);
    return element;
  };

  function showBanner(run) {
    byId("run").textContent = run.run_id ? `Run ${run.run_id}` : "Delivery";
    byId("facts").replaceChildren(...(run.facts || []).map((fact) => cell(fact, "li")));
    byId("stage").textContent = run.label || "NO TEST YET";
    byId("banner").className = `verdict ${run.colour || "plain"}`;
    byId("meaning").textContent = run.meaning || "Start a test to see here what becomes of its requests.";
    byId("step").textContent = run.step || "";
    const reasons = run.reasons || [];
    const items = reasons.map(({ text, remedy }) => {
      const item = cell(text, "li");
      if (remedy) item.append(cell(remedy, "small"));
      return item;
    });
    byId("reasons").replaceChildren(...items);
    byId("reasons").hidden = reasons.length === 0;
    const links = [link("Past runs", "./runs")];
    if (run.stage === "judged") {
      links.unshift(link("Open report", `./runs/${run.run_id}/report.html`, "button first"));
    }
    byId("links").replaceChildren(...links);
    byId("notices").replaceChildren(...(run.notices || []).map((text) => cell(text, "p", "caution")));
  }

  function showSum(run) {
    const parts = run.parts.map((part) => {
      const element = cell("", "span");
      element.append(coloured(cell("", "i", "key"), part.kind), `${part.count.toLocaleString("en")} ${part.name}`);
      return element;
    });
    const joined = parts.flatMap((part, at) => (at ? [" + ", part] : [part]));
    byId("sum").replaceChildren(`${run.attempted} attempted = `, ...(joined.length ? joined : ["0"]));
    const bars = run.parts.map((part) => {
      const bar = coloured(cell("", "i"), part.kind);
      bar.style.flex = part.count;
      return bar;
    });
    byId("bar").replaceChildren(...bars);
  }

  function showTiles(tiles) {
    const shown = tiles.map((tile) => {
      const box = cell("", "div", tile.kind ? "above" : "");
      if (tile.note.length > LONG_NOTE) box.classList.add("long");
      if (tile.kind) coloured(box, tile.kind);
      const name = cell("", "dt");
      name.append(explained(tile.name, tile.explanation));
      const value = cell("", "dd");
      const number = cell(tile.value, "span");
      number.id = tile.id;
      value.append(number);
      if (tile.note) value.append(cell(tile.note, "small"));
      box.append(name, value);
      return box;
    });
    replaceKeepingFocus(byId("tiles"), shown);
  }

  function showTable(table) {
    const heads = table.columns.map((column) => {
      const head = cell("", "th");
      head.scope = "col";
      head.append(explained(column.name, column.explanation));
      return head;
    });
    const first = cell("event type", "th", "text");
    first.scope = "col";
    replaceKeepingFocus(byId("columns"), [first, ...heads]);
    const rows = table.rows.map(([name, ...values]) =>
      row([cell(name, "th"), ...values.map((value, at) => named(value, table.columns[at].name))], name === "total" ? "total" : ""),
    );
    byId("lines").replaceChildren(...rows);
  }

  // The page is redrawn each second; the focused element and its explanation must stay.
  function replaceKeepingFocus(place, children) {
    const focusable = () => [...place.querySelectorAll("[tabindex]")];
    const focused = focusable().indexOf(document.activeElement);
    place.replaceChildren(...children);
    if (focused >= 0) focusable()[focused]?.focus();
  }

  function showRows(place, rows, section) {
    byId(place).replaceChildren(...rows);
    byId(section).hidden = rows.length === 0;
  }

  function showDetails(run) {
    const result = (judged) => cell(judged.result, "td", `text ${RESULTS[judged.result] || ""}`);
    const checks = run.checks.map((check) =>
      row([
        cell(check.name, "th"), result(check),
        cell(check.evidence, "td", "text prose"), cell(check.remedy, "td", "text prose"),
      ]),
    );
    const thresholds = run.thresholds.map((threshold) =>
      row([cell(threshold.text, "th"), named(threshold.shown, "measured"), result(threshold)]),
    );
    const failures = run.failures.map(([type, outcome, cause, count]) =>
      row([
        cell(type, "th"), cell(outcome, "td", "text"), cell(cause, "td", "text"),
        named(count.toLocaleString("en"), "requests"),
      ]),
    );
    showRows("checks", checks, "checked");
    showRows("thresholds", thresholds, "judged");
    showRows("failures", failures, "failed");
    byId("tally").textContent = run.tally;
  }

  function drawChart() {
    if (last && last.chart) deliveryChart.draw(byId("chart"), byId("chart-text"), byId("legend"), last.chart);
  }

  function show(run) {
    last = run;
    showBanner(run);
    byId("counts").hidden = run.stage === "none";
    if (run.stage === "none") return;
    showSum(run);
    showTiles(run.tiles);
    showTable(run.by_event_type);
    showDetails(run);
    drawChart();
  }

  async function poll() {
    try {
      const response = await fetch("./delivery.json", {
        headers: { Accept: "application/json" },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (!response.ok) throw new Error(`the server responded with ${response.status}`);
      const text = await response.text();
      if (text !== before) show(JSON.parse(text));
      before = text;
    } catch (error) {
      byId("step").textContent = `Cannot update: ${error.message}`;
      before = "";
    }
    postHeight();
    setTimeout(poll, EVERY_MS);
  }

  function postHeight() {
    if (window.parent === window) return;
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    window.parent.postMessage({ height }, window.location.origin);
  }

  window.addEventListener("resize", () => { drawChart(); postHeight(); });
  poll();
})();
