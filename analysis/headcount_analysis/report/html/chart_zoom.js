// Draws a part of the run, or the whole run again.

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
  const step = STEPS_S.find((seconds) => (high - low) / seconds < (width > 500 ? 9 : 4)) || 86400;
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

function zoom(chart, range) {
  for (const peer of alike(chart)) {
    peer.range = range || peer.data.x;
    peer.reset.hidden = !range;
    drawLines(peer);
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
