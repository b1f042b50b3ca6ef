"use strict";
// Without this script the page has all runs, sentences and lines; with it, readers can filter
// and sort the runs, and point at a run to see its figures.
(() => {
  const byId = (id) => document.getElementById(id);
  // A page that shows this one in a frame passes its theme in the URL.
  const applyTheme = () => {
    const theme = new URLSearchParams(location.hash.slice(1)).get("theme");
    if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  };
  window.addEventListener("hashchange", applyTheme);
  applyTheme();
  // In a frame, a report opens in a tab of its own.
  if (window.top !== window.self) {
    for (const link of document.querySelectorAll("#table a")) link.target = "_blank";
  }
  const table = byId("table");
  if (!table) return;

  const tools = byId("tools"), fields = ["search", "scenario", "target", "verdict"].map(byId);
  const [search, scenario, target, verdict] = fields;
  const body = table.tBodies[0], rows = [...body.rows];
  const cards = [...document.querySelectorAll(".card")];
  const cardOf = new Map(cards.map((card) => [card.dataset.series, card]));

  const isCardShown = (card) => (!scenario.value || card.dataset.scenario === scenario.value)
    && (!target.value || card.dataset.target === target.value);

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      row.hidden = !isCardShown(cardOf.get(row.dataset.series))
        || (verdict.value && row.dataset.label !== verdict.value)
        || !words.every((word) => row.dataset.search.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    for (const card of cards) card.hidden = !isCardShown(card);
    byId("count").textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} runs`;
  };

  // A missing figure is last, whatever the direction.
  const compare = (key, direction) => (one, other) => {
    const [a, b] = [one.dataset[key], other.dataset[key]];
    if (!a || !b) return (a ? 0 : 1) - (b ? 0 : 1);
    const order = isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b;
    return direction * order;
  };
  const sort = (header) => {
    const first = header.dataset.sort === "scenario" ? "ascending" : "descending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = header.getAttribute("aria-sort") === first ? other : first;
    for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", order);
    body.append(...rows.sort(compare(header.dataset.sort, order === "ascending" ? 1 : -1)));
  };
  for (const header of table.tHead.querySelectorAll("th[data-sort]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sort(header));
    header.append(button);
  }
  tools.addEventListener("input", filter);
  tools.addEventListener("reset", () => setTimeout(filter));
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.hidden = false;
  filter();

  // Pointing at a run shows it in all charts of its series; a click leads to its row.
  const data = JSON.parse(byId("data").textContent), tip = byId("tip");
  const svg = "http://www.w3.org/2000/svg";
  const crosses = (card) => [...card.querySelectorAll(".plot svg")].map((plot) => {
    const cross = document.createElementNS(svg, "path");
    cross.setAttribute("class", "cross");
    plot.append(cross);
    return cross;
  });
  for (const card of cards) {
    const series = data[card.dataset.series], count = series.runs.length, lines = crosses(card);
    const names = [...card.querySelectorAll("figcaption span")].map((label) => label.textContent);
    let chosen = count - 1;

    const hide = () => {
      tip.hidden = true;
      for (const line of lines) line.removeAttribute("d");
    };
    const show = (index, plot) => {
      chosen = Math.max(0, Math.min(count - 1, index));
      const [id, began, label] = series.runs[chosen], share = (chosen + 0.5) / count;
      for (const line of lines) line.setAttribute("d", `M${100 * share} 0V100`);
      const figures = names.map((name, number) => `${name} ${series.charts[number][chosen]}`);
      tip.textContent = [`${began} UTC  ${label}`, id, ...figures, series.against[chosen]].join("\n");
      tip.hidden = false;
      const box = plot.getBoundingClientRect(), x = box.left + share * box.width, gap = 12;
      const width = tip.offsetWidth, height = tip.offsetHeight;
      const left = x + gap + width > innerWidth ? x - gap - width : x + gap;
      tip.style.left = `${Math.max(4, left)}px`;
      tip.style.top = `${Math.max(4, Math.min(box.bottom + 6, innerHeight - height - 4))}px`;
    };
    const reveal = () => {
      const row = byId(`run-${series.runs[chosen][0]}`);
      if (!row) return;
      if (row.hidden) tools.reset();
      setTimeout(() => {
        for (const candidate of rows) candidate.classList.toggle("chosen", candidate === row);
        row.scrollIntoView({block: "center"});
        row.querySelector("a").focus({preventScroll: true});
      });
    };
    for (const plot of card.querySelectorAll(".plot")) {
      plot.tabIndex = 0;
      const at = (event) => {
        const box = plot.getBoundingClientRect();
        show(Math.floor(count * (event.clientX - box.left) / box.width), plot);
      };
      plot.addEventListener("pointermove", at);
      plot.addEventListener("pointerdown", at);
      plot.addEventListener("pointerleave", hide);
      plot.addEventListener("blur", hide);
      plot.addEventListener("click", reveal);
      plot.addEventListener("keydown", (event) => {
        const steps = {ArrowLeft: -1, ArrowRight: 1, Home: -count, End: count};
        if (event.key in steps) show(chosen + steps[event.key], plot);
        else if (event.key === "Enter") reveal();
        else if (event.key === "Escape") hide();
        else return;
        event.preventDefault();
      });
    }
  }
})();
