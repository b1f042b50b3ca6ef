"use strict";
// Without this script the table of exceptions is whole; with it, one can look for some of them.
(() => {
  const tools = document.getElementById("exception-tools");
  if (!tools) return;
  const text = document.getElementById("exception-text");
  const kind = document.getElementById("exception-kind");
  const told = document.getElementById("exception-told");
  const rows = [...document.querySelectorAll("#exception-table tbody tr")];
  const contents = rows.map((row) => row.textContent.toLowerCase());

  const update = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    rows.forEach((row, index) => {
      const isKind = !kind.value || row.dataset.kind === kind.value;
      row.hidden = !(isKind && words.every((word) => contents[index].includes(word)));
      found += row.hidden ? 0 : 1;
    });
    told.textContent = `${found.toLocaleString("en")} of the ${rows.length.toLocaleString("en")} rows here`;
  };

  text.addEventListener("input", update);
  kind.addEventListener("change", update);
  tools.hidden = false;
  update();
})();
