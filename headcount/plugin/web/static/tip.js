// Shows the explanation of the element under the pointer, or with the focus: its `data-tip`.
"use strict";

(() => {
  const GAP = 8;
  const tip = document.getElementById("tip");

  function show(element) {
    tip.textContent = element.dataset.tip;
    tip.style.display = "block";
    const box = element.getBoundingClientRect();
    const left = Math.min(box.left, document.documentElement.clientWidth - tip.offsetWidth - GAP);
    const above = box.top - tip.offsetHeight - GAP;
    tip.style.left = `${Math.max(GAP, left)}px`;
    tip.style.top = `${above < 0 ? box.bottom + GAP : above}px`;
  }

  const hide = () => { tip.style.display = "none"; };

  function onEnter(event) {
    const element = event.target.closest ? event.target.closest("[data-tip]") : null;
    if (element) show(element);
    else hide();
  }

  document.addEventListener("pointerover", onEnter);
  document.addEventListener("focusin", onEnter);
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
})();
