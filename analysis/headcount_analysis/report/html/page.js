"use strict";
// Without this script the table shows all exceptions; with it, readers can search and filter them.
(() => {
  const tools = document.getElementById("exception-tools");
  if (!tools) return;
  const text = document.getElementById("exception-text");
  const kind = document.getElementById("exception-kind");
  const count = document.getElementById("exception-count");
  const rows = [...document.querySelectorAll("#exception-table tbody tr")];
  const contents = rows.map((row) => row.textContent.toLowerCase());

  const update = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, index) => {
      const isKind = !kind.value || row.dataset.kind === kind.value;
      row.hidden = !(isKind && words.every((word) => contents[index].includes(word)));
      shown += row.hidden ? 0 : 1;
    });
    count.textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows`;
  };

  text.addEventListener("input", update);
  kind.addEventListener("change", update);
  tools.hidden = false;
  update();
})();
