// Says how many runs are selected, and enables the buttons while two are.
"use strict";

(() => {
  const NEEDED = 2;
  const form = document.querySelector("form");
  const boxes = [...form.querySelectorAll("input[name=run]")];

  function update() {
    const count = boxes.filter((box) => box.checked).length;
    document.getElementById("selected").textContent =
      count > NEEDED ? `${count} selected: select only ${NEEDED}` : `${count} of ${NEEDED} selected`;
    for (const button of form.querySelectorAll("button")) button.disabled = count !== NEEDED;
  }

  form.addEventListener("change", update);
  // The browser restores the selection when it goes back to this page.
  window.addEventListener("pageshow", update);
  update();
})();
