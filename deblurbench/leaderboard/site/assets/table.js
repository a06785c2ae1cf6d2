/* Tables that can be sorted, and the table of a track, which can be searched, filtered and narrowed as well.
   What a reader chose stands in the address, so that it can be sent to somebody. */
"use strict";
(function () {
  const FIRST = 100; // so many rows are drawn until the reader asks for all
  const phone = matchMedia("(max-width: 40rem)");
  const { compare } = new Intl.Collator("en", { numeric: true }); // "net 2" before "net 10"

  /* ---- sorting: of any table ---- */

  function valuesOf(rows, place, isText) {
    return rows.map((row) => {
      const cell = row.cells[place];
      const value = cell.dataset.v;
      if (isText) return cell.textContent.trim();
      const text = value === undefined ? cell.textContent.trim() : value;
      const number = text.replace("\u2212", "-").replace(/inf|∞/, "Infinity");
      return number === "" ? NaN : Number(number);
    });
  }

  const difference = (a, b) => (a < b ? -1 : a > b ? 1 : 0); // a - b is no number of two infinities

  /* The places of rows in order; what has no value comes last either way, and equals stay as they were. */
  function order(values, direction) {
    const sign = direction === "asc" ? 1 : -1;
    const lacking = (value) => value === "" || Number.isNaN(value);
    return values
      .map((_, place) => place)
      .sort((a, b) => {
        const [first, second] = [values[a], values[b]];
        if (lacking(first) || lacking(second)) return lacking(first) - lacking(second) || a - b;
        return sign * (typeof first === "string" ? compare(first, second) : difference(first, second)) || a - b;
      });
  }

  /* Makes the heads of a table buttons. `changed(rows)` gets all rows in their new order. */
  function sortable(table, changed) {
    const rows = [...table.tBodies[0].rows];
    const heads = [...table.tHead.rows[0].cells];
    const known = new Map();

    function sort(head, direction) {
      const place = heads.indexOf(head);
      if (!known.has(place)) known.set(place, valuesOf(rows, place, "text" in head.dataset));
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", direction === "asc" ? "ascending" : "descending");
      changed(order(known.get(place), direction).map((at) => rows[at]), head, direction);
    }

    for (const head of heads) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        const first = head.dataset.first;
        const next = now ? (now === "ascending" ? "desc" : "asc") : first;
        sort(head, next);
      });
    }
    return { rows, heads, sort };
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    sortable(table, (rows) => table.tBodies[0].replaceChildren(...rows));
  }

  /* ---- a region that scrolls sideways can be reached with the keyboard, and holds its own head ---- */

  function watchWidth(region) {
    const table = region.querySelector("table");
    const check = () => {
      region.classList.remove("narrow");
      const isNarrow = table.scrollWidth <= region.clientWidth + 1;
      region.classList.toggle("narrow", isNarrow);
      region.tabIndex = isNarrow ? -1 : 0; // no stop for the tabulator key where nothing scrolls
    };
    new ResizeObserver(check).observe(region);
    check();
    return check;
  }
  const widths = new Map([...document.querySelectorAll(".scroll")].map((region) => [region, watchWidth(region)]));

  /* ---- the table of a track ---- */

  const board = document.getElementById("board");
  if (!board) return;

  const find = document.getElementById("find");
  const status = document.getElementById("status");
  const trained = document.getElementById("trained");
  const noTold = document.getElementById("no-told");
  const noBelow = document.getElementById("no-below");
  const choices = [...document.querySelectorAll("[data-column]")];
  const shown = document.getElementById("shown");
  const more = document.getElementById("more");
  const body = board.tBodies[0];
  const listeners = [];
  const sheet = typeof CSSStyleSheet === "function" && "adoptedStyleSheets" in document ? new CSSStyleSheet() : null;
  if (sheet) document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

  let rows = [...body.rows];
  let matching = rows;
  let hasAll = false;
  let hasChosen = false; // columns: until then they follow the width of the screen
  let sorted = null;
  const names = new Map(rows.map((row) => [row, row.cells[1].firstElementChild.textContent.toLowerCase()]));

  function matches(row, words) {
    const name = names.get(row);
    if (!words.every((word) => name.includes(word))) return false;
    if (status && status.value && row.dataset.status !== status.value) return false;
    if (trained && trained.value && (row.dataset.trained !== trained.value || row.dataset.ref === "blurred")) return false;
    if (noTold && noTold.checked && row.classList.contains("told")) return false;
    return !(noBelow && noBelow.checked && row.classList.contains("below"));
  }

  function draw() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    matching = rows.filter((row) => matches(row, words));
    const drawn = hasAll ? matching : matching.slice(0, FIRST);
    body.replaceChildren(...drawn);
    more.hidden = drawn.length === matching.length;
    const number = (value) => value.toLocaleString("en");
    const some = `${number(matching.length)} of ${number(rows.length)} rows`;
    const part = drawn.length < matching.length ? `${some} match; the first ${number(drawn.length)} are shown.` : `${some} shown.`;
    const by = sorted ? ` Sorted by ${sorted.title}, ${sorted.direction === "asc" ? "lowest" : "highest"} first.` : "";
    shown.textContent = part + by;
    later();
  }

  /* The plot is drawn when the reader pauses; browsers refuse addresses that change with every key, too. */
  let timer = 0;
  function later() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      remember();
      for (const listener of listeners) listener(matching);
    }, 120);
  }

  const table = sortable(board, (ordered, head, direction) => {
    rows = ordered;
    const title = head.textContent.replace(/\s+/g, " ").trim();
    sorted = { key: head.dataset.key, direction, title };
    draw();
  });

  /* ---- columns ---- */

  function hideColumns() {
    const hidden = choices.filter((choice) => !choice.checked).map((choice) => `#board .c-${CSS.escape(choice.dataset.column)}`);
    if (sheet) sheet.replaceSync(hidden.length ? `${hidden.join(",")}{display:none}` : "");
    for (const check of widths.values()) check();
  }

  function usualColumns() {
    for (const choice of choices) choice.checked = phone.matches ? "phone" in choice.dataset : "usual" in choice.dataset;
  }

  function showColumns(preset) {
    hasChosen = Boolean(preset);
    if (!preset) usualColumns();
    else {
      for (const choice of choices) {
        choice.checked = preset === "*" || choice.dataset.group === preset || (preset !== "Result" && choice.dataset.column === "psnr");
      }
    }
    hideColumns();
    remember();
  }

  /* ---- the address ---- */

  function remember() {
    const state = new URLSearchParams();
    if (sorted) state.set("sort", `${sorted.key}.${sorted.direction}`);
    if (find.value) state.set("find", find.value);
    if (status && status.value) state.set("status", status.value);
    if (trained && trained.value) state.set("weights", trained.value);
    if (noTold && noTold.checked) state.set("told", "no");
    if (noBelow && noBelow.checked) state.set("below", "no");
    if (hasChosen) state.set("columns", choices.filter((c) => c.checked).map((c) => c.dataset.column).join("."));
    const hash = state.toString();
    if (!hash && !location.hash.includes("=")) return; // an anchor stays
    try {
      history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
    } catch (error) {
      // a browser that keeps no addresses of files: the choice lasts as long as the page
    }
  }

  function recall() {
    const hash = location.hash.slice(1);
    const state = new URLSearchParams(hash.includes("=") ? hash : "");
    find.value = state.get("find") || "";
    if (status) status.value = state.get("status") || "";
    if (status && status.selectedIndex < 0) status.value = "";
    if (trained) trained.value = state.get("weights") || "";
    if (trained && trained.selectedIndex < 0) trained.value = "";
    if (noTold) noTold.checked = state.get("told") === "no";
    if (noBelow) noBelow.checked = state.get("below") === "no";
    hasChosen = state.has("columns");
    if (hasChosen) {
      const chosen = new Set(state.get("columns").split("."));
      for (const choice of choices) choice.checked = chosen.has(choice.dataset.column);
    } else usualColumns();
    const [, key, direction] = /^(\w+)\.(asc|desc)$/.exec(state.get("sort") || "") || [];
    const head = table.heads.find((one) => one.dataset.key === key);
    board.classList.add("ready");
    hideColumns();
    if (head) table.sort(head, direction);
    else {
      const usual = table.heads.find((one) => one.dataset.key === "psnr");
      for (const one of table.heads) one.removeAttribute("aria-sort");
      usual.setAttribute("aria-sort", "descending");
      sorted = null; // as the page comes
      rows = table.rows;
      draw();
    }
  }

  find.addEventListener("input", draw);
  for (const control of [status, trained, noTold, noBelow]) if (control) control.addEventListener("change", draw);
  for (const choice of choices) {
    choice.addEventListener("change", () => {
      hasChosen = true;
      hideColumns();
      remember();
    });
  }
  for (const button of document.querySelectorAll("[data-preset]")) {
    button.addEventListener("click", () => showColumns(button.dataset.preset));
  }
  const kinds = document.getElementById("show-kinds");
  if (kinds) {
    kinds.addEventListener("click", () => {
      showColumns("Kinds of blur");
      board.scrollIntoView();
      document.getElementById("scroll").focus({ preventScroll: true });
    });
  }
  document.getElementById("all").addEventListener("click", () => {
    hasAll = true;
    draw();
    document.getElementById("scroll").focus({ preventScroll: true });
  });
  document.getElementById("tools").addEventListener("submit", (event) => event.preventDefault());
  phone.addEventListener("change", () => {
    if (!hasChosen) showColumns("");
  });
  addEventListener("hashchange", () => {
    if (location.hash.includes("=")) recall();
  });

  window.deblurBoard = {
    all: () => rows,
    /* `listener(rows)` is called with the rows that match, now and whenever they change. */
    watch(listener) {
      listeners.push(listener);
      listener(matching);
    },
  };
  recall();
})();
