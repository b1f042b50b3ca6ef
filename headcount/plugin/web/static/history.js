// Asks the server to update the history, and shows it in Locust's theme.
"use strict";

(() => {
  const frame = document.getElementById("history"), state = document.getElementById("state");
  const address = () => `./history.html#theme=${document.documentElement.dataset.theme}`;

  async function update() {
    const answer = await fetch("./history/update", {method: "POST"});
    if (!answer.ok) throw new Error(await answer.text());
    frame.src = address();
    frame.hidden = false;
    state.textContent = "";
  }

  // A new theme only changes the address's fragment: the page stays.
  window.addEventListener("theme", () => {
    if (!frame.hidden) frame.src = address();
  });
  update().catch((error) => {
    state.textContent = `The history cannot be shown: ${error.message}`;
  });
})();
