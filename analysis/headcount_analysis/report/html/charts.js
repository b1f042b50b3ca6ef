"use strict";
// Hover, crosshair, zoom and legend of the charts. Without this script the charts are still there.
// On every chart of time: drag to zoom, double-click or Escape to show the whole run again.
(() => {
  const NS = "http://www.w3.org/2000/svg";
  const DRAG_PX = 6;
  const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
  const charts = [];

  const element = (parent, name, attributes) => {
    const made = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return parent.appendChild(made);
  };
  const two = (number) => String(number).padStart(2, "0");
  const tenth = (number) => Math.round(number * 10) / 10;

  // ---- Texts ----

  function clock(unix, step) {
    const at = new Date(Math.floor(unix) * 1000);
    const [hour, minute] = [at.getUTCHours(), at.getUTCMinutes()];
    if (step >= 86400 || (step > 60 && hour === 0 && minute === 0)) {
      return at.toLocaleDateString("en", { month: "short", day: "numeric", timeZone: "UTC" });
    }
    return `${two(hour)}:${two(minute)}${step >= 60 ? "" : `:${two(at.getUTCSeconds())}`}`;
  }

  function fromStart(seconds) {
    const size = Math.abs(Math.round(seconds));
    const sign = seconds < 0 ? "-" : "+";
    if (size < 120) return `${sign}${size} s`;
    if (size < 3600) return `${sign}${Math.floor(size / 60)}${size % 60 ? `:${two(size % 60)}` : ""} min`;
    if (size >= 172800) return `${sign}${Math.floor(size / 86400)} d`;
    return `${sign}${Math.floor(size / 3600)}:${two(Math.floor((size % 3600) / 60))} h`;
  }

  function heading(chart, x) {
    if (chart.kind === "rarity") return `p${Number((100 - 100 / 10 ** x).toPrecision(6))}`;
    if (chart.kind === "elapsed") return fromStart(x);
    const unix = Math.floor(chart.data.first) + Math.floor(x + 1e-6);
    const here = new Date(unix * 1000);
    const local = `${two(here.getHours())}:${two(here.getMinutes())}:${two(here.getSeconds())}`;
    const utc = clock(unix, 1);
    return `${utc} UTC${local === utc ? "" : ` (${local} here)`}, ${fromStart(Math.floor(x + 1e-6))}`;
  }

  const shown = (value, unit) =>
    `${value.toLocaleString("en", { maximumSignificantDigits: Math.abs(value) < 1000 ? 4 : 21 })}${unit === "ms" ? " ms" : ""}`;

  // ---- Places ----

  function expand(line) {
    if (!line.at) return;
    const all = new Array(line.count).fill(0);
    line.at.forEach((place, index) => {
      all[place] = line.y[index];
    });
    line.y = all;
  }

  const xOf = (line, index) => (line.x ? line.x[index] : line.from + index * line.step);

  function nearest(line, x, bar) {
    if (!line.x) return Math.max(0, Math.min(line.y.length - 1, Math[bar ? "floor" : "round"]((x - line.from) / line.step + (bar ? 1e-6 : 0))));
    let [low, high] = [0, line.x.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (line.x[middle] <= x) low = middle;
      else high = middle;
    }
    return Math.abs(line.x[low] - x) <= Math.abs(line.x[high] - x) ? low : high;
  }

  function share(value, [low, high, isLog]) {
    return isLog
      ? Math.log(Math.max(value, low) / low) / Math.log(high / low)
      : (value - low) / (high - low);
  }

  // The plot of the version that is shown: its size in the drawing, and how much larger it is on the screen.
  function plotOf(chart) {
    const svg = chart.versions.find((each) => each.getBoundingClientRect().width > 0);
    if (!svg) return null;
    const [left, top, width, height] = svg.dataset.plot.split(" ").map(Number);
    const box = svg.getBoundingClientRect();
    return { svg, left, top, width, height, box, scale: box.width / svg.viewBox.baseVal.width };
  }

  const valueAt = (chart, plot, clientX) => {
    const part = ((clientX - plot.box.left) / plot.scale - plot.left) / plot.width;
    return chart.range[0] + Math.max(0, Math.min(1, part)) * (chart.range[1] - chart.range[0]);
  };

  // ---- Drawing after a zoom ----

  function drawLines(chart) {
    const isWhole = chart.range === chart.data.x;
    for (const svg of chart.versions) {
      const [, , width, height] = svg.dataset.plot.split(" ").map(Number);
      const px = (x) => ((x - chart.range[0]) / (chart.range[1] - chart.range[0])) * width;
      const marks = svg.querySelectorAll(".bar, .line");
      const below = new Map();
      svg.querySelector(".lines").classList.toggle("zoomed", !isWhole);
      chart.data.lines.forEach((line, number) => {
        const mark = marks[number];
        mark.dataset.whole ??= mark.getAttribute("d");
        const path = isWhole ? mark.dataset.whole : pathOf(chart, line, px, height, below);
        mark.setAttribute("d", path);
      });
      for (const rule of svg.querySelectorAll(".rule[data-x]")) {
        rule.setAttribute("d", `M${tenth(px(Number(rule.dataset.x)))} 0v${height}`);
      }
      drawTicks(chart, svg, isWhole);
    }
  }

  function pathOf(chart, line, px, height, below) {
    const isBar = chart.data.mark === "bars";
    const parts = [];
    const [low, high] = chart.range;
    const room = px(low + chart.data.width) - px(low);
    const wide = Math.max(1.6, room > 4 ? room - 0.4 : room + 0.1);
    let isGap = true;
    line.y.forEach((value, index) => {
      const x = xOf(line, index);
      const near = (step) => xOf(line, Math.max(0, Math.min(line.y.length - 1, index + step)));
      if (near(1) < low || near(-1) > high) return;
      if (value === null) {
        isGap = true;
        return;
      }
      const up = share(value, chart.data.y) * height;
      if (isBar) {
        if (!value) return;
        const base = below.get(x) || 0;
        const tall = Math.max(1.6, up);
        below.set(x, base + tall);
        parts.push(`M${tenth(px(x))} ${tenth(height - base)}v-${tenth(tall)}h${tenth(wide)}v${tenth(tall)}z`);
      } else if (isGap) {
        parts.push(`M${tenth(px(x))} ${tenth(height - up)}h0`);
      } else if (chart.data.mark === "step") {
        parts.push(`H${tenth(px(x))}V${tenth(height - up)}`);
      } else {
        parts.push(`L${tenth(px(x))} ${tenth(height - up)}`);
      }
      isGap = false;
    });
    return parts.join("");
  }

  function drawTicks(chart, svg, isWhole) {
    const axis = svg.querySelector(".x");
    chart.axes ??= new Map();
    if (!chart.axes.has(svg)) chart.axes.set(svg, axis.innerHTML);
    if (isWhole) {
      axis.innerHTML = chart.axes.get(svg);
      return;
    }
    const [left, top, width, height] = svg.dataset.plot.split(" ").map(Number);
    const [low, high] = chart.range;
    const isClock = chart.kind === "time";
    const start = isClock ? Math.floor(chart.data.first) : 0;
    const step = STEPS_S.find((each) => (high - low) / each < (width > 500 ? 9 : 4)) || 86400;
    axis.replaceChildren();
    const text = (x, y, content, type) => {
      element(axis, "text", { x, y, class: type }).textContent = content;
    };
    if (isClock) text(0, top + height + 18, "UTC", "");
    for (let at = Math.ceil((start + low) / step) * step; at <= start + high; at += step) {
      const x = tenth(left + ((at - start - low) / (high - low)) * width);
      element(axis, "path", { class: "tick", d: `M${x} ${top + height}v4` });
      if (x + 36 > svg.viewBox.baseVal.width) continue;
      text(x, top + height + 18, isClock ? clock(at, step) : fromStart(at), "");
      if (isClock) text(x, top + height + 33, fromStart(at - start), "soft");
    }
  }

  // ---- Hover ----

  const alike = (chart) => charts.filter((each) => each.kind === chart.kind);

  function showAt(chart, x, pointer) {
    const isBar = chart.data.mark === "bars";
    const first = chart.data.lines[0];
    const snapped = xOf(first, nearest(first, x, isBar));
    for (const each of alike(chart)) {
      const plot = plotOf(each);
      if (!plot) continue;
      const [low, high] = each.range;
      const at = snapped + (isBar && chart.data.width ? chart.data.width / 2 : 0);
      const px = tenth(((at - low) / (high - low)) * plot.width);
      each.crosshairs.forEach((line) => line.setAttribute("d", px >= 0 && px <= plot.width ? `M${px} 0v${plot.height}` : ""));
    }
    showValues(chart, x, snapped, pointer);
    chart.at = snapped;
  }

  function showValues(chart, x, snapped, pointer) {
    const { data, box } = chart;
    const isBar = data.mark === "bars";
    const rows = [];
    data.lines.forEach((line) => {
      if (chart.hidden.has(line.name)) return;
      const index = nearest(line, x, isBar);
      const value = line.y[index];
      if (value === null || value === undefined || (isBar && !value)) return;
      rows.push([line.colour, data.names[line.name], shown(value, data.unit)]);
    });
    const title = document.createElement("b");
    const begins = isBar || !data.width ? snapped : snapped - data.width / 2;
    title.textContent = heading(chart, chart.kind === "time" && data.unit !== "count" ? begins : snapped);
    const entries = rows.map(([colour, name, value]) => {
      const row = document.createElement("span");
      const key = document.createElement("i");
      const number = document.createElement("em");
      key.style.background = `var(--${colour})`;
      number.textContent = value;
      row.append(key, name, number);
      return row;
    });
    if (!rows.length) entries.push("nothing");
    const close = (data.x[1] - data.x[0]) / 150;
    for (const [at, text] of data.rules) {
      if (Math.abs(at - snapped) <= Math.max(close, data.width)) {
        const row = document.createElement("span");
        row.textContent = text;
        entries.push(row);
      }
    }
    box.replaceChildren(title, ...entries);
    box.hidden = false;
    const outer = chart.root.getBoundingClientRect();
    const left = pointer.x - outer.left;
    const isRight = left > outer.width / 2;
    box.style.left = isRight ? "" : `${left + 14}px`;
    box.style.right = isRight ? `${outer.width - left + 14}px` : "";
    box.style.top = `${Math.max(0, pointer.y - outer.top - box.offsetHeight / 2)}px`;
  }

  function hide(chart) {
    chart.box.hidden = true;
    chart.at = undefined;
    for (const each of alike(chart)) each.crosshairs.forEach((line) => line.setAttribute("d", ""));
  }

  // ---- Zoom ----

  function zoom(chart, range) {
    for (const each of alike(chart)) {
      each.range = range || each.data.x;
      each.reset.hidden = !range;
      drawLines(each);
    }
    hide(chart);
  }

  function select(chart, from, to) {
    const ordered = [Math.min(from, to), Math.max(from, to)];
    const least = Math.max(2 * chart.data.width, (chart.data.x[1] - chart.data.x[0]) / 1000);
    if (ordered[1] - ordered[0] < least) ordered[1] = ordered[0] + least;
    zoom(chart, ordered);
  }

  function markSelection(chart, plot, from, to) {
    const [low, high] = chart.range;
    const px = (x) => ((x - low) / (high - low)) * plot.width;
    const [start, end] = [Math.min(px(from), px(to)), Math.max(px(from), px(to))];
    chart.selections.forEach((area) => area.setAttribute("d", `M${tenth(start)} 0H${tenth(end)}V${plot.height}H${tenth(start)}z`));
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
      if (!started || event.type !== "pointerup" || Math.abs(event.clientX - started.x) < DRAG_PX) return;
      select(chart, started.from, valueAt(chart, plotOf(chart), event.clientX));
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
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") {
      if (chart.at !== undefined) hide(chart);
      else if (chart.kind !== "rarity") zoom(chart, null);
    }
    if (!way) return;
    event.preventDefault();
    const line = chart.data.lines[0];
    const known = chart.at === undefined ? chart.range[0] : chart.at;
    const index = nearest(line, known, chart.data.mark === "bars") + (chart.at === undefined ? 0 : way);
    const x = xOf(line, Math.max(0, Math.min(line.y.length - 1, index)));
    const plot = plotOf(chart);
    const part = (x - chart.range[0]) / (chart.range[1] - chart.range[0]);
    const left = plot.box.left + (plot.left + part * plot.width) * plot.scale;
    showAt(chart, x, { x: left, y: plot.box.top + plot.box.height / 2 });
  }

  // ---- Legend ----

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
})();
