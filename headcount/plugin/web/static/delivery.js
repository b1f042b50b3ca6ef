// Shows the state of the current or latest run, and polls it once a second.
"use strict";

(() => {
  const EVERY_MS = 1000;
  const TIMEOUT_MS = 15000;
  const RATE_WINDOW = 5;
  const byId = (id) => document.getElementById(id);
  const number = (value) => (value === null ? "unknown" : value.toLocaleString("en"));
  let shown = { run: null, stage: null };
  let view = null;

  const STAGE_TEXT = {
    none: "No test has been started yet.",
    running: "Running",
    judging: "The test is over and is being judged",
    "not judged": "NOT JUDGED",
  };

  function cell(text, tag = "td", type = "") {
    const element = document.createElement(tag);
    element.textContent = text;
    if (type) element.className = type;
    if (tag === "th") element.scope = "row";
    return element;
  }

  function row(cells, type = "") {
    const element = document.createElement("tr");
    element.className = type;
    element.append(...cells);
    return element;
  }

  function link(text, href) {
    const element = document.createElement("a");
    element.textContent = text;
    element.href = href;
    element.target = "_blank";
    element.rel = "noopener";
    return element;
  }

  function showStage(run) {
    const verdict = run.stage === "judged" ? run.verdict : null;
    byId("stage").textContent = verdict ? `${verdict.mark} ${verdict.label}` : STAGE_TEXT[run.stage];
    byId("stage").className = `stage ${verdict ? verdict.colour : ""}`;
    byId("run").textContent = run.run_id ? `of run ${run.run_id}` : "";
    byId("step").textContent =
      run.stage === "judging" ? run.step : run.stage === "not judged" ? run.why_not : "";
    const reasons = [...(verdict ? verdict.reasons : [])];
    if (run.not_watched && run.stage === "running") reasons.unshift(run.not_watched);
    if (run.abort) reasons.unshift(`The test was stopped by a threshold: ${run.abort}`);
    byId("reasons").replaceChildren(...reasons.map((each) => cell(each, "li")));
    const links = [link("Past runs", "./runs")];
    if (verdict) links.unshift(link("Report", `./runs/${run.run_id}/report.html`), " · ");
    byId("links").replaceChildren(...links);
    showThresholds(verdict);
    showChecks(verdict);
  }

  function showChecks(verdict) {
    const colours = { kept: "green", broken: "red", unproven: "yellow" };
    const rows = (verdict ? verdict.checks : []).map((each) =>
      row([
        cell(each.name, "th"),
        cell(each.result, "td", `text ${colours[each.result] || ""}`),
        cell(each.evidence, "td", "text prose"),
        cell(each.remedy, "td", "text prose"),
      ]),
    );
    byId("checks").replaceChildren(...rows);
    byId("tally").textContent = verdict ? verdict.tally : "";
    byId("checked").hidden = rows.length === 0;
  }

  function showThresholds(verdict) {
    const rows = (verdict ? verdict.thresholds : []).map((each) =>
      row([cell(each.text, "th"), cell(each.shown), cell(each.result, "td", "text")]),
    );
    byId("thresholds").replaceChildren(...rows);
    byId("judged").hidden = rows.length === 0;
  }

  function showCounts(run) {
    const total = run.lines.find((each) => each.name === "total");
    for (const name of ["generated", "acked", "in_flight"]) byId(name).textContent = number(total[name]);
    const seen = (value) => (run.is_watched ? number(value) : "–");
    byId("arrived").textContent = seen(total.arrived);
    byId("behind").textContent = seen(total.behind);
    byId("behind_s").textContent = run.is_watched ? `events, ${run.behind_s.toFixed(1)} s` : "";
    byId("missing").textContent = seen(run.missing);
    byId("duplicated").textContent = seen(run.duplicated);
    const columns = ["generated", "acked", "arrived", "in_flight", "behind", "failed", "indeterminate"];
    const rows = run.lines.map((each) =>
      row(
        [cell(each.name, "th"), ...columns.map((name) => cell(number(each[name])))],
        each.name === "total" ? "total" : "",
      ),
    );
    byId("lines").replaceChildren(...rows);
    const failures = run.failures.map(([type, outcome, cause, count]) =>
      row([cell(type, "th"), cell(outcome, "td", "text"), cell(cause, "td", "text"), cell(number(count))]),
    );
    byId("failures").replaceChildren(...failures);
    byId("failed").hidden = failures.length === 0;
  }

  // Rates over RATE_WINDOW points, because the counts are updated only once a second.
  function ratesOf(points) {
    const rates = [];
    for (let index = 1; index < points.length; index += 1) {
      const now = points[index];
      const before = points[Math.max(0, index - RATE_WINDOW)];
      const seconds = now.elapsed_s - before.elapsed_s;
      for (const [name, key] of [["attempted", "generated"], ["acknowledged", "acked"], ["arrived", "arrived"]]) {
        rates.push({ elapsed_s: now.elapsed_s, what: name, rate: Math.max(0, (now[key] - before[key]) / seconds) });
      }
    }
    return rates;
  }

  const ink = () => getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();

  async function makeChart() {
    if (typeof vegaEmbed === "undefined") return null;
    const color = ink();
    const axis = { labelColor: color, titleColor: color, domainColor: color, tickColor: color, gridOpacity: 0.2 };
    const specification = {
      $schema: "https://vega.github.io/schema/vega-lite/v6.json",
      width: "container",
      height: 220,
      background: null,
      data: { name: "rates", values: [] },
      mark: { type: "line", strokeWidth: 2 },
      encoding: {
        x: { field: "elapsed_s", type: "quantitative", title: "seconds from the start", axis },
        y: { field: "rate", type: "quantitative", title: "events per second", axis },
        color: {
          field: "what", type: "nominal", title: null,
          scale: { domain: ["attempted", "acknowledged", "arrived"], range: ["#2f8fd0", "#e69f00", "#009e73"] },
          legend: { labelColor: color, orient: "bottom", symbolSize: 400 },
        },
        strokeDash: {
          field: "what", type: "nominal", title: null,
          scale: { domain: ["attempted", "acknowledged", "arrived"], range: [[1, 0], [8, 3], [2, 2]] },
        },
      },
      config: { view: { stroke: null } },
    };
    return (await vegaEmbed("#chart", specification, { actions: false, renderer: "svg" })).view;
  }

  function showChart(points) {
    if (view) view.data("rates", ratesOf(points)).runAsync();
  }

  let last = null;

  async function poll() {
    try {
      const response = await fetch("./delivery.json", {
        headers: { Accept: "application/json" },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (!response.ok) throw new Error(`the server responded with ${response.status}`);
      last = await response.json();
      showStage(last);
      byId("counts").hidden = last.stage === "none";
      if (last.stage !== "none") {
        if (!view) view = await makeChart();
        showCounts(last);
        showChart(last.points);
      }
    } catch (error) {
      byId("step").textContent = `Cannot update: ${error.message}`;
    }
    if (window.parent !== window) {
      window.parent.postMessage({ height: document.body.scrollHeight }, window.location.origin);
    }
    setTimeout(poll, EVERY_MS);
  }

  window.addEventListener("theme", async () => {
    if (!view) return;
    view = await makeChart();
    if (last) showChart(last.points);
  });
  poll();
})();
