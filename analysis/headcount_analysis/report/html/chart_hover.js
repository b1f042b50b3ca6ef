// Shows the values under the pointer, and a crosshair at the same x in every chart of the same kind.

const alike = (chart) => charts.filter((peer) => peer.kind === chart.kind);

// A bar of one second may be drawn wider than its second, so the nearest bar within a few pixels is chosen.
function snap(chart, x, plot) {
  const [first] = chart.data.lines;
  const index = nearest(first, x, chart.data.mark === "bars");
  if (chart.data.mark !== "bars") return xOf(first, index);
  const reach = Math.floor(((NEAR_PX / plot.width / plot.scale) * (chart.range[1] - chart.range[0])) / first.step);
  const isFilled = (at) => chart.data.lines.some((line) => !chart.hidden.has(line.name) && line.y[at]);
  for (let step = 0; step <= reach; step += 1) {
    const at = [index - step, index + step].find(isFilled);
    if (at !== undefined) return xOf(first, at);
  }
  return xOf(first, index);
}

function showAt(chart, x, pointer) {
  const isBar = chart.data.mark === "bars";
  const snapped = snap(chart, x, plotOf(chart));
  for (const peer of alike(chart)) {
    const plot = plotOf(peer);
    if (!plot) continue;
    const [low, high] = peer.range;
    const at = snapped + (isBar && chart.data.width ? chart.data.width / 2 : 0);
    const px = tenth(((at - low) / (high - low)) * plot.width);
    peer.crosshairs.forEach((line) => line.setAttribute("d", px >= 0 && px <= plot.width ? `M${px} 0v${plot.height}` : ""));
  }
  showValues(chart, isBar ? snapped : x, snapped, pointer);
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
  else if (chart.isLinked) entries.push("Click to list them");
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
  for (const peer of alike(chart)) peer.crosshairs.forEach((line) => line.setAttribute("d", ""));
}
