"use strict";
// Without this script the page has the same content, but no local time beside UTC, and no sorting of tables.
(() => {
  for (const time of document.querySelectorAll("time[data-beside]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime()) || at.getTimezoneOffset() === 0) continue;
    const options = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
    const zone = { ...options, timeZoneName: "short" };
    time.after(` (${at.toLocaleTimeString("en", zone)})`);
  }

  // The web UI always has a history of all runs; a folder of runs may have none.
  const link = document.getElementById("history-link");
  const isInUi = /\/headcount\/runs\/[^/]+\/report\.html$/.test(location.pathname) && location.protocol !== "file:";
  if (link && isInUi) link.hidden = window.top !== window.self;

  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.number === undefined ? cell.textContent : Number(cell.dataset.number);
  };

  const compare = (one, other) =>
    typeof one === "number" ? one - other : one.localeCompare(other, "en", { numeric: true });

  const sort = (table, column, isDescending) => {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const total = rows.filter((row) => row.classList.contains("total"));
    const others = rows.filter((row) => !row.classList.contains("total"));
    others.sort((one, other) => compare(key(one, column), key(other, column)));
    if (isDescending) others.reverse();
    body.append(...others, ...total);
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells].filter((cell) => cell.tagName === "TH");
    for (const head of heads) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const isNumber = table.tBodies[0].rows[0].cells[head.cellIndex].dataset.number !== undefined;
        const before = head.ariaSort;
        // A first click shows the greatest numbers, or the first names.
        const isDescending = before ? before === "ascending" : isNumber;
        for (const other of heads) other.removeAttribute("aria-sort");
        head.ariaSort = isDescending ? "descending" : "ascending";
        sort(table, head.cellIndex, isDescending);
      });
    }
  }
})();
