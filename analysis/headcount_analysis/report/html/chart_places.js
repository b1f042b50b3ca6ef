// Helpers of the charts: the texts that they show, and positions on their axes.

const NS = "http://www.w3.org/2000/svg";
const DRAG_PX = 6;
const NEAR_PX = 4;
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

// A chart has an SVG for wide pages and one for narrow pages. Returns the plot of the one that is shown: its place
// and size in the drawing, and how much larger it is on the screen.
function plotOf(chart) {
  const svg = chart.versions.find((version) => version.getBoundingClientRect().width > 0);
  if (!svg) return null;
  const [left, top, width, height] = svg.dataset.plot.split(" ").map(Number);
  const box = svg.getBoundingClientRect();
  return { svg, left, top, width, height, box, scale: box.width / svg.viewBox.baseVal.width };
}

const valueAt = (chart, plot, clientX) => {
  const part = ((clientX - plot.box.left) / plot.scale - plot.left) / plot.width;
  return chart.range[0] + Math.max(0, Math.min(1, part)) * (chart.range[1] - chart.range[0]);
};
