// Makes each chart interactive. On charts of time: drag to zoom, double-click or Escape to show the whole run.

// Goes to the rows that the bar under the crosshair counts, if the page has the section that lists them.
function follow(chart) {
  const isEmpty = (line) => !line.y[nearest(line, chart.at, true)];
  if (!chart.isLinked || chart.at === undefined || chart.data.lines.every(isEmpty)) return;
  const iso = (x) => new Date(Math.round((chart.data.first + x) * 1000)).toISOString();
  const end = iso(chart.at + chart.data.width - 0.001);
  location.hash = `${chart.data.link}?from=${iso(chart.at)}&to=${end}`;
}

function listen(chart) {
  const area = chart.root.querySelector(".plots");
  const isTime = chart.kind !== "rarity";
  let drag = null;
  area.addEventListener("pointerdown", (event) => {
    if (!isTime || event.button) return;
    const plot = plotOf(chart);
    drag = { x: event.clientX, from: valueAt(chart, plot, event.clientX), id: event.pointerId };
  });
  area.addEventListener("pointermove", (event) => {
    const plot = plotOf(chart);
    const x = valueAt(chart, plot, event.clientX);
    showAt(chart, x, { x: event.clientX, y: event.clientY });
    if (!drag || Math.abs(event.clientX - drag.x) < DRAG_PX) return;
    if (!area.hasPointerCapture(drag.id)) area.setPointerCapture(drag.id);
    markSelection(chart, plot, drag.from, x);
  });
  const end = (event) => {
    const started = drag;
    drag = null;
    chart.selections.forEach((area) => area.setAttribute("d", ""));
    if (!started || event.type !== "pointerup") return;
    if (Math.abs(event.clientX - started.x) < DRAG_PX) follow(chart);
    else select(chart, started.from, valueAt(chart, plotOf(chart), event.clientX));
  };
  area.addEventListener("pointerup", end);
  area.addEventListener("pointercancel", end);
  area.addEventListener("pointerleave", () => drag || hide(chart));
  area.addEventListener("blur", () => hide(chart));
  if (isTime) area.addEventListener("dblclick", () => zoom(chart, null));
  area.addEventListener("keydown", (event) => onKey(chart, event));
  chart.reset.addEventListener("click", () => zoom(chart, null));
}

function onKey(chart, event) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (event.key === "Escape") {
    if (chart.at !== undefined) hide(chart);
    else if (chart.kind !== "rarity") zoom(chart, null);
  }
  if (!step) return;
  event.preventDefault();
  const line = chart.data.lines[0];
  const known = chart.at === undefined ? chart.range[0] : chart.at;
  const index = nearest(line, known, chart.data.mark === "bars") + (chart.at === undefined ? 0 : step);
  const x = xOf(line, Math.max(0, Math.min(line.y.length - 1, index)));
  const plot = plotOf(chart);
  const part = (x - chart.range[0]) / (chart.range[1] - chart.range[0]);
  const left = plot.box.left + (plot.left + part * plot.width) * plot.scale;
  showAt(chart, x, { x: left, y: plot.box.top + plot.box.height / 2 });
}

function makeLegend(chart) {
  for (const entry of chart.root.querySelectorAll(".legend li")) {
    const name = Number(entry.dataset.name);
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", "true");
    button.append(...entry.childNodes);
    entry.append(button);
    button.addEventListener("click", () => {
      const isHidden = !chart.hidden.delete(name);
      if (isHidden) chart.hidden.add(name);
      button.setAttribute("aria-pressed", String(!isHidden));
      for (const mark of chart.root.querySelectorAll(`.plots [data-name="${name}"]`)) {
        mark.toggleAttribute("hidden", isHidden);
      }
    });
  }
}

for (const root of document.querySelectorAll(".chart")) {
  const data = JSON.parse(root.querySelector("script").textContent);
  data.lines.forEach(expand);
  const chart = { root, data, kind: root.dataset.kind, range: data.x, hidden: new Set() };
  chart.isLinked = data.link && document.getElementById(data.link);
  chart.versions = [...root.querySelectorAll("svg[data-plot]")];
  const lines = chart.versions.map((svg) => svg.querySelector(".lines"));
  chart.selections = lines.map((svg) => element(svg, "path", { class: "selection", d: "" }));
  chart.crosshairs = lines.map((svg) => element(svg, "path", { class: "crosshair", d: "" }));
  chart.box = root.appendChild(document.createElement("div"));
  chart.box.className = "values";
  chart.box.hidden = true;
  chart.box.setAttribute("role", "status");
  chart.reset = root.appendChild(document.createElement("button"));
  chart.reset.type = "button";
  chart.reset.className = "reset";
  chart.reset.textContent = "Show the whole run";
  chart.reset.hidden = true;
  const area = root.querySelector(".plots");
  area.tabIndex = 0;
  area.setAttribute("role", "group");
  const title = root.closest("figure")?.querySelector("figcaption strong, figcaption")?.textContent || "Chart";
  area.setAttribute("aria-label", `${title}. Arrow keys show values.`);
  charts.push(chart);
  makeLegend(chart);
  listen(chart);
}
