"use strict";
(() => {
  const tools = document.querySelector(".tools");
  const table = document.querySelector(".columns");
  const body = table.tBodies[0];
  const sections = [...document.querySelectorAll("details")];
  const make = (tag, text, act) => {
    const element = document.createElement(tag);
    element.type = "button";
    element.textContent = text;
    element.addEventListener("click", act);
    return element;
  };
  const filter = document.createElement("input");
  filter.type = "search";
  filter.placeholder = "Filter columns";
  filter.setAttribute("aria-label", "Filter columns by name or type");
  filter.addEventListener("input", () => {
    const wanted = filter.value.toLowerCase();
    const fits = (text) => text.toLowerCase().includes(wanted);
    for (const row of body.rows) row.hidden = !fits(`${row.cells[0].textContent} ${row.cells[1].textContent}`);
    for (const section of sections) section.hidden = !fits(section.firstElementChild.textContent);
  });
  tools.append(
    filter,
    make("button", "Open all", () => sections.forEach((section) => { section.open = !section.hidden; })),
    make("button", "Close all", () => sections.forEach((section) => { section.open = false; })),
  );
  tools.hidden = false;
  const value = (row, index) => {
    const cell = row.cells[index];
    return "v" in cell.dataset ? Number(cell.dataset.v) : cell.textContent.trim().toLowerCase();
  };
  [...table.tHead.rows[0].cells].forEach((head, index) => {
    if (head.hasAttribute("aria-label")) return;
    head.replaceChildren(make("button", head.textContent, () => {
      const numeric = body.rows.length && "v" in body.rows[0].cells[index].dataset;
      const was = head.getAttribute("aria-sort");
      const rises = was ? was === "descending" : !numeric;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", rises ? "ascending" : "descending");
      const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0) * (rises ? 1 : -1);
      body.append(...[...body.rows].sort((one, other) => order(value(one, index), value(other, index))));
    }));
  });
})();
