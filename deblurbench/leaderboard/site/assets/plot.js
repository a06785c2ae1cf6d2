/* The plot of quality against cost. Its numbers are those of the table, which is its text. */
"use strict";
(function () {
  const place = document.getElementById("plot");
  const board = document.getElementById("board");
  if (!place || !board || !window.deblurBoard) return;

  const LETTER = { width: 6.5, height: 12 }; // of a label, in pixels
  const { svg, ticks } = window.deblur;
  const choice = document.getElementById("cost");
  const note = document.getElementById("plot-note");
  const section = document.getElementById("plot-section");
  const heads = new Map([...board.tHead.rows[0].cells].map((cell, at) => [cell.dataset.key, at]));
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  let rows = [];
  let points = [];

  function number(row, key) {
    const text = row.cells[heads.get(key)].dataset.v;
    return text === "" || text === undefined ? NaN : Number(text);
  }

  /* A cost with figures comes first; without any there is no plot. */
  const costs = [...choice.options].map((option) => option.value);
  const filled = (key) => window.deblurBoard.all().filter((row) => number(row, key) > 0).length;
  const counts = new Map(costs.map((key) => [key, filled(key)]));
  if (![...counts.values()].some(Boolean)) {
    section.hidden = true;
    return;
  }
  for (const option of choice.options) option.disabled = !counts.get(option.value);
  choice.value = [...counts].reduce((best, one) => (one[1] > best[1] ? one : best))[0];

  function nameOf(row) {
    return row.cells[1].firstElementChild.textContent;
  }

  function decades(low, high) {
    const found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
      for (const factor of high / low > 300 ? [1] : [1, 2, 5]) {
        const value = factor * 10 ** power;
        if (value >= low * 0.999 && value <= high * 1.001) found.push(value);
      }
    }
    return found;
  }

  function amount(value) {
    if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
    if (value >= 1e4) return `${Number((value / 1e3).toPrecision(3))} k`;
    return String(Number(value.toPrecision(3)));
  }

  /* Those that no other one beats at less cost, from cheap to dear. */
  function front(competing) {
    let best = -Infinity;
    return [...competing]
      .sort((a, b) => a.cost - b.cost || b.psnr - a.psnr)
      .filter((point) => {
        const better = point.psnr > best;
        best = Math.max(best, point.psnr);
        return better;
      });
  }

  function describe(point) {
    const title = choice.selectedOptions[0].textContent.trim();
    const told = point.row.classList.contains("told") ? ", told the kernel" : "";
    const below = point.row.classList.contains("below") ? ", below blurred" : "";
    return `${point.name}${told}${below}: ${point.psnr.toFixed(3)} dB; ${title}: ${amount(point.cost)}`;
  }

  function draw() {
    const key = choice.value;
    const all = rows.filter((row) => row.dataset.ref !== "blurred");
    points = all
      .map((row) => ({ row, name: nameOf(row), psnr: number(row, "psnr"), cost: number(row, key) }))
      .filter((point) => Number.isFinite(point.psnr) && point.cost > 0 && Number.isFinite(point.cost))
      .sort((a, b) => a.cost - b.cost);
    const lines = window.deblurBoard
      .all()
      .filter((row) => row.dataset.ref)
      .map((row) => ({ label: nameOf(row), psnr: number(row, "psnr"), kind: row.dataset.ref }))
      .filter((line) => Number.isFinite(line.psnr));
    const without = all.length - points.length;
    note.textContent = points.length
      ? `${points.length} method${points.length === 1 ? "" : "s"} drawn${without ? `; ${without} of those shown above ${without === 1 ? "has" : "have"} no figure for this cost` : ""}.`
      : "None of the methods shown above has a figure for this cost.";
    tip.hidden = true;
    place.replaceChildren(points.length ? picture(lines) : "", tip);
  }

  function picture(lines) {
    const width = Math.max(300, Math.min(place.clientWidth || 800, 1300));
    const height = Math.round(Math.min(460, Math.max(300, width * 0.5)));
    const edge = { left: 52, right: 16, top: 14, bottom: 46 };
    const values = [...points.map((point) => point.psnr), ...lines.map((line) => line.psnr)];
    const spread = Math.max(Math.max(...values) - Math.min(...values), 0.2);
    const [bottom, top] = [Math.min(...values) - spread * 0.07, Math.max(...values) + spread * 0.09];
    const [cheap, dear] = [points[0].cost / 1.5, points[points.length - 1].cost * 1.5];
    const x = (cost) => edge.left + ((width - edge.left - edge.right) * Math.log(cost / cheap)) / Math.log(dear / cheap);
    const y = (psnr) => edge.top + ((height - edge.top - edge.bottom) * (top - psnr)) / (top - bottom);
    const text = (attributes, words) => svg("text", attributes, [words]);
    const parts = [];

    const marks = ticks(bottom, top, 6);
    for (const value of marks.found) {
      const at = y(value).toFixed(1);
      parts.push(svg("path", { class: "grid", d: `M${edge.left} ${at}H${width - edge.right}` }));
      parts.push(text({ class: "tick", x: edge.left - 8, y: Number(at) + 4, "text-anchor": "end" }, value.toFixed(marks.digits)));
    }
    let last = -Infinity;
    for (const value of decades(cheap, dear)) {
      const at = x(value);
      parts.push(svg("path", { class: "grid", d: `M${at.toFixed(1)} ${edge.top}V${height - edge.bottom}` }));
      if (at - last < 44) continue; // no label on another
      last = at;
      parts.push(text({ class: "tick", x: at.toFixed(1), y: height - edge.bottom + 18, "text-anchor": "middle" }, amount(value)));
    }
    const title = choice.selectedOptions[0].textContent.trim();
    parts.push(text({ class: "axis", x: (edge.left + width - edge.right) / 2, y: height - 8, "text-anchor": "middle" }, `${title} (logarithmic)`));
    parts.push(text({ class: "axis", x: 14, y: height / 2 - 10, "text-anchor": "middle", transform: `rotate(-90 14 ${height / 2 - 10})` }, "PSNR, dB"));

    const write = writer(edge.left, width - edge.right);
    const labels = [];
    for (const line of lines.sort((a, b) => a.psnr - b.psnr)) {
      const at = y(line.psnr);
      parts.push(svg("path", { class: `line ${line.kind}`, d: `M${edge.left} ${at.toFixed(1)}H${width - edge.right}` }));
      labels.push(...write("line-label", line.label, [[edge.left + 5, at - 4]]));
    }

    const best = front(points.filter((point) => !point.row.classList.contains("told")));
    const path = best.map((point, at) => (at ? `H${x(point.cost).toFixed(1)}V${y(point.psnr).toFixed(1)}` : `M${x(point.cost).toFixed(1)} ${y(point.psnr).toFixed(1)}`));
    const line = best.length ? [svg("path", { class: "front", d: `${path.join("")}H${width - edge.right}` })] : [];

    const winners = new Set(best);
    const dots = points.map((point, at) => dot(point, at, x(point.cost), y(point.psnr), winners.has(point)));
    if (points.length <= 12 && width > 480) {
      for (const point of points.filter((one) => !one.row.dataset.ref)) {
        const [right, left, below, over] = [x(point.cost) + 9, x(point.cost) - 9, y(point.psnr) + 14, y(point.psnr) - 7];
        const words = point.name.length > 24 ? `${point.name.slice(0, 23)}…` : point.name;
        labels.push(...write("name", words, [[right, below], [right, over], [left, below, "end"], [left, over, "end"]]));
      }
    }
    const group = svg("g", { role: "list", "aria-label": "Methods, from cheap to dear", class: points.length > 200 ? "many" : "few" }, dots);
    const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": `PSNR against ${title} of ${points.length} methods` }, [...parts, ...line, ...labels, group]);
    return drawing;
  }

  /* What writes words at the first of some places where they cover no others and stay inside; else nowhere. */
  function writer(low, high) {
    const taken = [];
    const covers = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    return (kind, words, places) => {
      const width = words.length * LETTER.width;
      for (const [x, y, anchor = "start"] of places) {
        const left = anchor === "end" ? x - width : x;
        const box = { left, right: left + width, top: y - LETTER.height, bottom: y };
        if (left < low || box.right > high || taken.some((other) => covers(box, other))) continue;
        taken.push(box);
        return [svg("text", { class: kind, x: x.toFixed(1), y: y.toFixed(1), "text-anchor": anchor }, [words])];
      }
      return [];
    };
  }

  function dot(point, at, x, y, isBest) {
    const kind = point.row.classList.contains("told") ? "told" : point.row.classList.contains("below") ? "below" : isBest ? "best" : "other";
    const shape =
      kind === "told" ? svg("path", { d: "M0 -6L6 0L0 6L-6 0Z" })
      : kind === "below" ? svg("path", { d: "M-5 -4.5H5L0 5.5Z" })
      : svg("circle", { r: isBest ? 5.5 : 4.5 });
    const address = point.row.cells[1].querySelector("a");
    const link = svg("a", { class: `dot ${kind}`, tabindex: at ? -1 : 0, transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, "aria-label": describe(point) }, [shape]);
    if (address) link.setAttribute("href", address.getAttribute("href"));
    const item = svg("g", { role: "listitem" }, [link]);
    item.point = point;
    return item;
  }

  /* One stop for the tabulator key; arrows go on from there. The listeners are those of the place around the drawing:
     with listeners of its own an SVG would be a stop as well. */
  function listen() {
    const show = (link) => {
      const box = link.getBoundingClientRect();
      const around = place.getBoundingClientRect();
      tip.textContent = link.getAttribute("aria-label");
      tip.hidden = false;
      const left = box.left - around.left + box.width / 2 - tip.offsetWidth / 2;
      tip.style.left = `${Math.max(0, Math.min(left, around.width - tip.offsetWidth))}px`;
      tip.style.top = `${Math.max(0, box.top - around.top - tip.offsetHeight - 6)}px`;
    };
    place.addEventListener("pointerover", (event) => {
      const link = event.target.closest(".dot");
      if (link) show(link);
      else if (!place.contains(document.activeElement)) tip.hidden = true;
    });
    place.addEventListener("pointerleave", () => {
      tip.hidden = true;
    });
    place.addEventListener("focusin", (event) => {
      const link = event.target.closest(".dot");
      if (link) show(link);
    });
    place.addEventListener("focusout", () => {
      tip.hidden = true;
    });
    place.addEventListener("keydown", (event) => {
      const links = [...place.querySelectorAll(".dot")];
      const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, Home: -links.length, End: links.length };
      const at = links.indexOf(document.activeElement);
      if (event.key === "Escape") tip.hidden = true;
      if (at < 0 || !(event.key in steps)) return;
      event.preventDefault();
      const next = Math.max(0, Math.min(links.length - 1, at + steps[event.key]));
      links[at].setAttribute("tabindex", -1);
      links[next].setAttribute("tabindex", 0);
      links[next].focus();
    });
  }

  listen();
  choice.addEventListener("change", draw);
  let width = place.clientWidth;
  new ResizeObserver(() => {
    if (Math.abs(place.clientWidth - width) < 2) return;
    width = place.clientWidth;
    draw();
  }).observe(place);
  window.deblurBoard.watch((matching) => {
    if (matching === rows) return; // a new drawing would take the focus from its points
    rows = matching;
    draw();
  });
})();
