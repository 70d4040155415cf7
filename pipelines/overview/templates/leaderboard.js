// Sort the rows by a column, and hide the rows that lack a word of the filter.
(() => {
  "use strict";
  const board = document.getElementById("board");
  const rows = [...board.tBodies[0].rows];
  const choice = document.getElementById("sort");
  const filter = document.getElementById("filter");
  const shown = document.getElementById("shown");

  // Runs without a value come last in both directions.
  function sort(key, ascending) {
    const column = [...board.tHead.rows[0].cells].findIndex(head => head.dataset.key === key);
    const value = row => row.cells[column].dataset.value;
    const compare = key === "started"
      ? (a, b) => value(a).localeCompare(value(b))
      : (a, b) => Number(value(a)) - Number(value(b));
    const known = rows.filter(value).sort((a, b) => (ascending ? compare(a, b) : compare(b, a)));
    board.tBodies[0].append(...known, ...rows.filter(row => !value(row)));
    for (const head of board.tHead.rows[0].cells) {
      if (head.dataset.key === key) head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    }
    if ([...choice.options].some(option => option.value === key)) choice.value = key;
  }

  function show() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) row.hidden = !words.every(word => row.textContent.toLowerCase().includes(word));
    const left = rows.filter(row => !row.hidden).length;
    shown.textContent = left < rows.length ? `${left} of ${rows.length}` : "";
  }

  for (const head of board.tHead.querySelectorAll("[data-key]")) {
    head.querySelector("button").addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const first = head.dataset.smaller === "1";  // the best first
      sort(head.dataset.key, before ? before === "descending" : first);
    });
  }
  choice.addEventListener("change", () => sort(choice.value, choice.selectedOptions[0].dataset.smaller === "1"));
  filter.addEventListener("input", show);
  sort(choice.value, choice.selectedOptions[0].dataset.smaller === "1");
})();
