(() => {
  "use strict";
  const table = document.getElementById("matrix");
  const rows = [...table.tBodies[0].rows];
  const filter = document.getElementById("filter");
  const state = document.getElementById("state");
  const shown = document.getElementById("shown");

  const show = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const text = row.dataset.words.toLowerCase();
      const fits = words.every((word) => text.includes(word));
      row.hidden = !fits || (state.value !== "" && row.dataset.state !== state.value);
      count += row.hidden ? 0 : 1;
    }
    shown.textContent = `${count} of ${rows.length} variants`;
  };
  filter.addEventListener("input", show);
  state.addEventListener("change", show);
  document.getElementById("controls").hidden = false;
  show();

  const order = new Intl.Collator("en", { numeric: true });
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => row.cells[column].dataset.v;
      rows.sort((a, b) => order.compare(value(a), value(b)) * (down ? -1 : 1));
      table.tBodies[0].append(...rows);
    });
  });

  const reveal = () => {
    const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let at = place; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    if (place) place.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  if (location.hash) reveal();

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details.variant:not([open])")];
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
  });
})();
