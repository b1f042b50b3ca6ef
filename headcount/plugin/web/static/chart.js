// Draws requests per second as steps, and missing events as bars, at the times when the requests were sent. Shows
// values on hover.
"use strict";

const deliveryChart = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const HEIGHT = 256;
  const EDGE = { left: 56, right: 12, top: 10, bottom: 40 };
  const FEWEST_PIXELS_PER_TICK = 110;
  const NICE_SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400];
  const SERIES = [
    { name: "attempted", at: 1, kind: "started", width: 7 },
    { name: "acknowledged", at: 2, kind: "answered", width: 4 },
    { name: "arrived", at: 3, kind: "arrived", width: 1.5, needsTopic: true },
    { name: "missing", at: 4, kind: "lost", needsTopic: true },
  ];
  const SHORTEST_BIN_S = 0.2;
  const ROOMY_PIXELS = 8;
  const hidden = new Set();
  let pointerX = null;

  function make(name, attributes, text = "") {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
  }

  // The smallest number that is not below a value and is 1, 2 or 5 times a power of ten; at least 1.
  function niceAbove(value) {
    const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
    return [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= value);
  }

  const clock = (ms) => new Date(ms).toISOString().slice(11, 19);

  function legend(place, data, redraw) {
    const buttons = SERIES.filter((candidate) => data.is_watched || !candidate.needsTopic).map((series) => {
      const button = document.createElement("button");
      const key = document.createElement("i");
      key.style.setProperty("--kind", `var(--${series.kind})`);
      button.type = "button";
      button.append(key, series.name);
      button.setAttribute("aria-pressed", String(!hidden.has(series.name)));
      button.onclick = () => {
        if (!hidden.delete(series.name)) hidden.add(series.name);
        redraw();
      };
      return button;
    });
    // Replaced only if they change, so that the focus stays.
    const state = (nodes) => [...nodes].map((node) => node.textContent + node.ariaPressed).join();
    if (state(place.children) === state(buttons)) return;
    const focused = [...place.children].indexOf(document.activeElement);
    place.replaceChildren(...buttons);
    if (focused >= 0) buttons[focused].focus();
  }

  function axes(svg, scale, data) {
    for (let value = 0; value <= scale.most; value += scale.step) {
      const y = scale.y(value);
      svg.append(make("line", { class: "grid", x1: EDGE.left, x2: scale.right, y1: y, y2: y }));
      svg.append(make("text", { x: EDGE.left - 8, y: y + 4, "text-anchor": "end" }, value.toLocaleString("en")));
    }
    const ticks = Math.max(1, (scale.right - EDGE.left) / FEWEST_PIXELS_PER_TICK);
    const every = NICE_SECONDS.find((seconds) => scale.seconds / seconds <= ticks) || NICE_SECONDS.at(-1);
    for (let second = 0; second <= scale.seconds; second += every) {
      const x = scale.x(second);
      const at = { x, "text-anchor": second === 0 ? "start" : "middle" };
      if (x > scale.right - 30 && second !== 0) at["text-anchor"] = "end";
      svg.append(make("line", { class: "grid", x1: x, x2: x, y1: scale.bottom, y2: scale.bottom + 5 }));
      svg.append(make("text", { ...at, y: scale.bottom + 18 }, clock(data.first_ms + second * 1000)));
      svg.append(make("text", { ...at, y: scale.bottom + 33 }, `${second.toLocaleString("en")} s`));
    }
  }

  // The last bin ends with the last request: over its full width, its rate would appear too low.
  const endOf = (bin, data) => Math.min(bin[0] + data.bin_s, Math.max(data.sent_s, bin[0] + SHORTEST_BIN_S));
  const rateOf = (bin, data, at) => bin[at] / (endOf(bin, data) - bin[0]);

  function steps(data, scale, at) {
    const points = data.bins.map((bin) => {
      const y = scale.y(rateOf(bin, data, at)).toFixed(1);
      return `${scale.x(bin[0]).toFixed(1)},${y}H${scale.x(endOf(bin, data)).toFixed(1)}`;
    });
    return `M${points.join("L")}`;
  }

  function bars(data, scale, series) {
    const group = make("g", { class: "missing", style: `--kind:var(--${series.kind})` });
    for (const bin of data.bins.filter((candidate) => candidate[series.at] > 0)) {
      const y = Math.min(scale.y(rateOf(bin, data, series.at)), scale.bottom - 3);
      const width = Math.max(2, scale.x(endOf(bin, data)) - scale.x(bin[0]) - 1);
      group.append(make("rect", { x: scale.x(bin[0]), y, width, height: scale.bottom - y }));
    }
    return group;
  }

  function describe(bin, data, shown) {
    const until = data.bin_s > 1 ? ` to ${clock(data.first_ms + (bin[0] + data.bin_s) * 1000)}` : "";
    const when = `${clock(data.first_ms + bin[0] * 1000)}${until} UTC, ${bin[0].toLocaleString("en")} s`;
    return [when, ...shown.map((series) => `${bin[series.at].toLocaleString("en")} ${series.name}`)].join(" · ");
  }

  function draw(place, text, legendPlace, data) {
    const redraw = () => draw(place, text, legendPlace, data);
    legend(legendPlace, data, redraw);
    place.onpointermove = null;
    if (!data.bins.length) {
      place.replaceChildren();
      text.textContent = "The first seconds appear here shortly.";
      return;
    }
    const shown = SERIES.filter((series) => (data.is_watched || !series.needsTopic) && !hidden.has(series.name));
    const width = Math.max(280, place.clientWidth);
    const top = data.bins.reduce((greatest, bin) => Math.max(greatest, rateOf(bin, data, 1)), 1);
    const scale = { right: width - EDGE.right, bottom: HEIGHT - EDGE.bottom };
    scale.step = niceAbove(top / 5);
    scale.most = Math.ceil((top * 1.02) / scale.step) * scale.step;
    scale.seconds = endOf(data.bins.at(-1), data);
    scale.x = (second) => EDGE.left + (second / scale.seconds) * (scale.right - EDGE.left);
    scale.y = (value) => scale.bottom - (value / scale.most) * (scale.bottom - EDGE.top);
    const svg = make("svg", { class: "chart", viewBox: `0 0 ${width} ${HEIGHT}`, role: "img" });
    const widths = data.bin_s > 1 ? `, in bins of ${data.bin_s} s` : "";
    const summary = `Each request counts at the time when it was sent${widths}; times are in UTC.`;
    svg.setAttribute("aria-label", summary);
    axes(svg, scale, data);
    const thin = Math.min(1, 0.3 + (scale.right - EDGE.left) / data.bins.length / ROOMY_PIXELS);
    for (const series of shown) {
      if (!series.width) svg.append(bars(data, scale, series));
      else svg.append(make("path", {
        d: steps(data, scale, series.at), style: `--kind:var(--${series.kind})`,
        "stroke-width": series.width * thin,
      }));
    }
    const cross = make("line", { class: "cross", y1: EDGE.top, y2: scale.bottom, visibility: "hidden" });
    svg.append(cross);
    place.replaceChildren(svg);
    const showAt = (clientX) => {
      pointerX = clientX;
      const inside = (clientX - svg.getBoundingClientRect().left) * (width / svg.clientWidth);
      const second = ((inside - EDGE.left) / (scale.right - EDGE.left)) * scale.seconds;
      const bin = data.bins[Math.min(data.bins.length - 1, Math.max(0, Math.floor(second / data.bin_s)))];
      const x = scale.x((bin[0] + endOf(bin, data)) / 2);
      cross.setAttribute("x1", x);
      cross.setAttribute("x2", x);
      cross.setAttribute("visibility", "visible");
      text.textContent = describe(bin, data, shown);
    };
    // The chart is redrawn each second; the values under the pointer must stay.
    if (pointerX === null) text.textContent = summary;
    else showAt(pointerX);
    place.onpointermove = (event) => showAt(event.clientX);
    place.onpointerleave = () => {
      pointerX = null;
      cross.setAttribute("visibility", "hidden");
      text.textContent = summary;
    };
  }

  return { draw };
})();
