// Progressive enhancement only: every page works without this file.
(() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  root.classList.add("js");

  // Batch ticks: [data-check-all] ticks every box of its form (or those with the name it gives); [data-count] shows how many.
  const boxesOf = (form) => [...form.elements].filter((box) => box.type === "checkbox" && !box.disabled && !("checkAll" in box.dataset));
  const allOf = (form) => [...form.elements].filter((box) => box.dataset && "checkAll" in box.dataset);
  const governed = (master) => boxesOf(master.form).filter((box) => !master.dataset.checkAll || box.name === master.dataset.checkAll);

  function recount(form) {
    for (const master of allOf(form)) {
      const boxes = governed(master);
      const ticked = boxes.filter((box) => box.checked).length;
      master.checked = ticked > 0 && ticked === boxes.length;
      master.indeterminate = ticked > 0 && ticked < boxes.length;
      all("[data-count]", form).forEach((place) => { place.textContent = String(ticked); });
    }
  }

  document.addEventListener("change", ({ target }) => {
    if (target.type !== "checkbox" || !target.form || !allOf(target.form).length) return;
    if ("checkAll" in target.dataset) governed(target).forEach((box) => { box.checked = target.checked; });
    recount(target.form);
  });

  // Queue tables: while a row of .table-z[data-keys] has the focus, j and k move, x ticks, Enter opens. (Only then: WCAG 2.1.4.)
  const rowsOf = (table) => all("tbody tr", table);

  function reachRows() {
    all(".table-z[data-keys]").forEach((table) => {
      const rows = rowsOf(table);
      if (rows.some((row) => row.tabIndex === 0)) return;
      rows.forEach((row, i) => { row.tabIndex = i === 0 ? 0 : -1; });
    });
  }

  function focusRow(rows, row) {
    rows.forEach((other) => { other.tabIndex = -1; });
    row.tabIndex = 0;
    row.focus();
  }

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    const row = target.closest && target.closest(".table-z[data-keys] tbody tr");
    if (!row || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (target.closest("textarea, select, details[open], input:not([type=checkbox])")) return;
    const rows = rowsOf(row.closest("table"));
    const step = { j: 1, k: -1 }[key];
    const box = row.querySelector("input[type=checkbox]:not(:disabled)");
    const link = row.querySelector("a.title[href]") || row.querySelector("a[href]");
    if (step) focusRow(rows, rows[rows.indexOf(row) + step] || row);
    else if (key === "x" && box) box.click();
    else if (key === "Enter" && target === row && link) link.click();
    else return;
    event.preventDefault();
  });

  // A form that changes something is sent once; coming back by the browser's history gives the buttons back.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || "again" in form.dataset) return;
    setTimeout(() => [...form.elements].filter((e) => e.type === "submit" && !e.disabled).forEach((button) => {
      button.disabled = true;
      button.dataset.sent = "";
    }));
  });

  window.addEventListener("pageshow", () => {
    all("[data-sent]").forEach((button) => { button.disabled = false; delete button.dataset.sent; });
    document.querySelectorAll("form").forEach(recount);
  });

  // Menus: one open at a time; Escape or a click elsewhere closes.
  const openMenus = () => all("details.menu[open]:not(.inline)");
  document.addEventListener("click", ({ target }) => openMenus().forEach((menu) => { if (!menu.contains(target)) menu.open = false; }));
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    openMenus().forEach((menu) => {
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      menu.open = false;
    });
  });

  // Filter bars: form[data-auto] goes on change. Arrow keys on a closed list change it at each step, so those wait until it is left.
  let byArrow = false;
  let waiting = null;
  const send = (form) => { waiting = null; form.requestSubmit(); };
  document.addEventListener("pointerdown", () => { byArrow = false; });
  document.addEventListener("keydown", ({ key, target }) => {
    byArrow = key.startsWith("Arrow") && /^(select-one|radio|date|number)$/.test(target.type);
    if (key === "Enter" && waiting && target.type === "select-one") send(waiting);
  });
  document.addEventListener("change", ({ target }) => {
    const form = target.form;
    if (!form || !("auto" in form.dataset)) return;
    if (byArrow) waiting = form;
    else send(form);
  });
  document.addEventListener("focusout", ({ target, relatedTarget: next }) => {
    if (waiting && !(next && next.name && next.name === target.name)) send(waiting);
  });

  function start() {
    reachRows();
    all("form").forEach(recount);
    const errors = document.querySelector(".errors[tabindex]");
    if (errors) errors.focus();
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
  document.addEventListener("htmx:afterSettle", reachRows);
})();
