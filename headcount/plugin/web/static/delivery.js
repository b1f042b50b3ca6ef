// Shows how a run fares, and asks again by itself until it is judged, and then for the next.
"use strict";

(() => {
  const EVERY_MS = 1000;
  const LONGEST_MS = 15000;
  const WIDTH_OF_A_RATE = 5;
  const byId = (id) => document.getElementById(id);
  const number = (value) => (value === null ? "not told" : value.toLocaleString("en"));
  let shown = { run: null, stage: null };
  let view = null;

  const WORDS = {
    none: "No test was started yet.",
    running: "Running",
    judging: "The test is over, and is being judged",
    "not judged": "NOT JUDGED",
  };

  function cell(text, tag = "td", type = "") {
    const made = document.createElement(tag);
    made.textContent = text;
    if (type) made.className = type;
    if (tag === "th") made.scope = "row";
    return made;
  }

  function row(cells, type = "") {
    const made = document.createElement("tr");
    made.className = type;
    made.append(...cells);
    return made;
  }

  function link(text, href) {
    const made = document.createElement("a");
    made.textContent = text;
    made.href = href;
    made.target = "_blank";
    made.rel = "noopener";
    return made;
  }

  function showStage(told) {
    const verdict = told.stage === "judged" ? told.verdict : null;
    byId("stage").textContent = verdict ? `${verdict.mark} ${verdict.label}` : WORDS[told.stage];
    byId("stage").className = `stage ${verdict ? verdict.colour : ""}`;
    byId("run").textContent = told.run_id ? `of run ${told.run_id}` : "";
    byId("step").textContent =
      told.stage === "judging" ? told.step : told.stage === "not judged" ? told.why_not : "";
    const reasons = [...(verdict ? verdict.reasons : [])];
    if (told.not_watched && told.stage === "running") reasons.unshift(told.not_watched);
    if (told.abort) reasons.unshift(`The test was stopped by a threshold: ${told.abort}`);
    byId("reasons").replaceChildren(...reasons.map((each) => cell(each, "li")));
    const links = [link("Past runs", "./runs")];
    if (verdict) links.unshift(link("Report", `./runs/${told.run_id}/report.html`), " · ");
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

  function showCounts(told) {
    const total = told.lines.find((each) => each.name === "total");
    for (const name of ["generated", "acked", "in_flight"]) byId(name).textContent = number(total[name]);
    const seen = (value) => (told.is_watched ? number(value) : "–");
    byId("arrived").textContent = seen(total.arrived);
    byId("behind").textContent = seen(total.behind);
    byId("behind_s").textContent = told.is_watched ? `events, ${told.behind_s.toFixed(1)} s` : "";
    byId("missing").textContent = seen(told.missing);
    byId("duplicated").textContent = seen(told.duplicated);
    const columns = ["generated", "acked", "arrived", "in_flight", "behind", "failed", "indeterminate"];
    const rows = told.lines.map((each) =>
      row(
        [cell(each.name, "th"), ...columns.map((name) => cell(number(each[name])))],
        each.name === "total" ? "total" : "",
      ),
    );
    byId("lines").replaceChildren(...rows);
    const failures = told.failures.map(([type, outcome, cause, count]) =>
      row([cell(type, "th"), cell(outcome, "td", "text"), cell(cause, "td", "text"), cell(number(count))]),
    );
    byId("failures").replaceChildren(...failures);
    byId("failed").hidden = failures.length === 0;
  }

  // Rates between points some seconds apart: generators and topic are looked at once a second.
  function rates(points) {
    const made = [];
    for (let index = 1; index < points.length; index += 1) {
      const now = points[index];
      const before = points[Math.max(0, index - WIDTH_OF_A_RATE)];
      const seconds = now.elapsed_s - before.elapsed_s;
      for (const [name, key] of [["generated", "generated"], ["acknowledged", "acked"], ["arrived", "arrived"]]) {
        made.push({ elapsed_s: now.elapsed_s, what: name, rate: Math.max(0, (now[key] - before[key]) / seconds) });
      }
    }
    return made;
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
        y: { field: "rate", type: "quantitative", title: "events a second", axis },
        color: {
          field: "what", type: "nominal", title: null,
          scale: { domain: ["generated", "acknowledged", "arrived"], range: ["#2f8fd0", "#e69f00", "#009e73"] },
          legend: { labelColor: color, orient: "bottom", symbolSize: 400 },
        },
        strokeDash: {
          field: "what", type: "nominal", title: null,
          scale: { domain: ["generated", "acknowledged", "arrived"], range: [[1, 0], [8, 3], [2, 2]] },
        },
      },
      config: { view: { stroke: null } },
    };
    return (await vegaEmbed("#chart", specification, { actions: false, renderer: "svg" })).view;
  }

  function showChart(points) {
    if (view) view.data("rates", rates(points)).runAsync();
  }

  let last = null;

  async function look() {
    try {
      const answer = await fetch("./delivery.json", {
        headers: { Accept: "application/json" },
        signal: AbortSignal.timeout(LONGEST_MS),
      });
      if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
      last = await answer.json();
      showStage(last);
      byId("counts").hidden = last.stage === "none";
      if (last.stage !== "none") {
        if (!view) view = await makeChart();
        showCounts(last);
        showChart(last.points);
      }
    } catch (error) {
      byId("step").textContent = `Nothing new is known: ${error.message}`;
    }
    if (window.parent !== window) {
      window.parent.postMessage({ height: document.body.scrollHeight }, window.location.origin);
    }
    setTimeout(look, EVERY_MS);
  }

  window.addEventListener("theme", async () => {
    if (!view) return;
    view = await makeChart();
    if (last) showChart(last.points);
  });
  look();
})();
