/* Two methods, picture by picture: a scatter of their numbers, who wins how often, and where they differ most. */
"use strict";
(function () {
  const { load, number, html, svg, ticks, decibels, difference, minus } = window.deblur;
  const LARGEST = 5; // differences that are listed, either way
  const NEAR = 24; // pixels from the pointer within which a point is named
  const MARKS = ["circle", "square", "triangle", "diamond", "cross", "plus", "down", "ring"];
  const DIGITS = { psnr: 2, gain: 2, ssim: 4 };
  const UNITS = { psnr: " dB", gain: " dB", ssim: "" };

  const words = (value, what) => decibels(value, DIGITS[what]);
  const signed = (value, what) => difference(value, DIGITS[what]);

  /* The pictures of both methods, with `x` of A, `y` of B and their difference; without those that have no number. */
  function points(track, a, b, what) {
    const of = (method, i) => {
      if (what === "gain") return minus(number(method.psnr[i]), number(track.psnr[i]));
      return number(method[what][i]);
    };
    return track.names
      .map((name, i) => ({ name, i, x: of(a, i), y: of(b, i), family: track.family[i] }))
      .filter((point) => !Number.isNaN(point.x) && !Number.isNaN(point.y))
      .map((point) => ({ ...point, d: rounded(minus(point.x, point.y)) }));
  }

  /* The numbers have four decimals, and so have their differences: equal ones shall be equal. */
  const rounded = (value) => (Number.isFinite(value) ? Math.round(value * 1e4) / 1e4 : value);

  /* Who wins how often, and by how much on average where both numbers are finite. */
  function counts(all) {
    const finite = all.map((point) => point.d).filter(Number.isFinite);
    return {
      a: all.filter((point) => point.d > 0).length,
      b: all.filter((point) => point.d < 0).length,
      ties: all.filter((point) => point.d === 0).length,
      mean: finite.length ? finite.reduce((sum, d) => sum + d, 0) / finite.length : NaN,
      without: all.length - finite.length,
    };
  }

  /* A mark around (x, y); its form tells the kind of blur as its colour does. */
  function mark(form, x, y, r, attributes) {
    const path = {
      square: `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}Z`,
      triangle: `M${x} ${y - 1.2 * r}L${x + 1.1 * r} ${y + r}H${x - 1.1 * r}Z`,
      down: `M${x} ${y + 1.2 * r}L${x + 1.1 * r} ${y - r}H${x - 1.1 * r}Z`,
      diamond: `M${x} ${y - 1.35 * r}L${x + 1.35 * r} ${y}L${x} ${y + 1.35 * r}L${x - 1.35 * r} ${y}Z`,
      cross: `M${x - r} ${y - r}L${x + r} ${y + r}M${x - r} ${y + r}L${x + r} ${y - r}`,
      plus: `M${x - 1.3 * r} ${y}H${x + 1.3 * r}M${x} ${y - 1.3 * r}V${y + 1.3 * r}`,
    }[form];
    return path ? svg("path", { d: path, ...attributes }) : svg("circle", { cx: x, cy: y, r, ...attributes });
  }

  const look = (family) => `mark mark-${family % MARKS.length} form-${MARKS[family % MARKS.length]}`;
  const form = (family) => MARKS[family % MARKS.length];

  /* Draw the scatter into `host`. Returns what finds, names and steps through its points. */
  function scatter(host, all, labels, what, summary) {
    const drawn = all.filter((point) => Number.isFinite(point.x) && Number.isFinite(point.y));
    const size = Math.max(240, Math.min(host.clientWidth || 480, 560));
    const edge = { left: 52, right: 10, top: 10, bottom: 46 };
    const values = drawn.flatMap((point) => [point.x, point.y]);
    const [least, most] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
    const pad = (most - least || 1) * 0.05;
    const [low, high] = [least - pad, most + pad];
    const x = (value) => edge.left + ((value - low) / (high - low)) * (size - edge.left - edge.right);
    const y = (value) => size - edge.bottom - ((value - low) / (high - low)) * (size - edge.top - edge.bottom);
    const text = (content, attributes) => {
      const element = svg("text", attributes);
      element.textContent = content;
      return element;
    };
    const { found, digits } = ticks(low, high, size / 80);
    const grid = found.flatMap((value) => [
      svg("path", { class: "grid", d: `M${x(value)} ${y(low)}V${y(high)}M${x(low)} ${y(value)}H${x(high)}` }),
      text(value.toFixed(digits).replace("-", "−"), { x: x(value), y: size - edge.bottom + 16, "text-anchor": "middle" }),
      text(value.toFixed(digits).replace("-", "−"), { x: edge.left - 6, y: y(value) + 4, "text-anchor": "end" }),
    ]);
    const radius = drawn.length > 300 ? 2.6 : 4.2;
    const marks = drawn.map((point) => mark(form(point.family), x(point.x), y(point.y), radius, { class: look(point.family) }));
    const ring = svg("circle", { class: "ring", r: 9, cx: -99, cy: -99 });
    const shorten = (label) => (label.length > 28 ? `${label.slice(0, 27)}…` : label);
    const picture = svg("svg", { viewBox: `0 0 ${size} ${size}`, width: size, height: size, role: "img", "aria-label": summary }, [
      ...grid,
      svg("rect", { class: "frame", x: x(low), y: y(high), width: x(high) - x(low), height: y(low) - y(high) }),
      svg("path", { class: "diagonal", d: `M${x(low)} ${y(low)}L${x(high)} ${y(high)}` }),
      text(`A better`, { class: "corner", x: x(high) - 8, y: y(low) - 10, "text-anchor": "end" }),
      text(`B better`, { class: "corner", x: x(low) + 8, y: y(high) + 18 }),
      svg("g", {}, marks),
      ring,
      text(`A: ${shorten(labels.a)}`, { x: (x(low) + x(high)) / 2, y: size - 8, "text-anchor": "middle", class: "name" }),
      text(`B: ${shorten(labels.b)}`, {
        x: 13, y: (y(low) + y(high)) / 2, "text-anchor": "middle", class: "name",
        transform: `rotate(-90 13 ${(y(low) + y(high)) / 2})`,
      }),
    ]);
    host.replaceChildren(picture);

    function nearest(event) {
      const box = picture.getBoundingClientRect();
      const [px, py] = [event.clientX - box.left, event.clientY - box.top];
      let best = null;
      let bestDistance = NEAR * NEAR;
      for (const point of drawn) {
        const distance = (x(point.x) - px) ** 2 + (y(point.y) - py) ** 2;
        if (distance < bestDistance) [best, bestDistance] = [point, distance];
      }
      return best;
    }

    function ringAt(point) {
      ring.setAttribute("cx", point ? x(point.x) : -99);
      ring.setAttribute("cy", point ? y(point.y) : -99);
    }

    return { drawn, nearest, ringAt };
  }

  /* What a comparison says in a sentence. */
  function verdict(count, labels, what, n) {
    const parts = [
      `${labels.a} is better on ${count.a} of ${n} pictures, ${labels.b} on ${count.b}`,
      count.ties ? `, and they are equal on ${count.ties}` : "",
      Number.isNaN(count.mean) ? "." : `. On average A is ${words(Math.abs(count.mean), what)}${UNITS[what]} ${count.mean >= 0 ? "better" : "worse"}.`,
      count.without ? ` ${count.without} with an infinite number ${count.without === 1 ? "is" : "are"} not in the mean, and may not be drawn.` : "",
    ];
    return parts.join("");
  }

  /* The largest differences one way, as a table. */
  function largest(title, list, track, what, note) {
    const rows = list.map((point) => {
      const name = html("button", { type: "button", class: "link" }, [point.name]);
      name.addEventListener("click", () => note(point));
      return html("tr", {}, [
        html("th", { scope: "row" }, [name, html("small", {}, [track.families[point.family]])]),
        ...[words(point.x, what), words(point.y, what), signed(point.d, what)].map((cell) => html("td", { class: "n" }, [cell])),
      ]);
    });
    const heads = ["Picture", "A", "B", "A − B"].map((one, i) => html("th", { scope: "col", class: i ? "n" : "" }, [one]));
    return html("table", { class: "figures" }, [
      html("caption", {}, [title]),
      html("thead", {}, [html("tr", {}, heads)]),
      html("tbody", {}, rows),
    ]);
  }

  function start() {
    const at = (id) => document.getElementById(id);
    const [first, second, what] = [at("method-a"), at("method-b"), at("what")];
    second.append(...[...first.options].map((option) => html("option", { value: option.value }, [option.textContent])));
    const known = new Set([...first.options].map((option) => option.value));
    let wanted = 0; // the newest comparison that was asked for
    let shownOf = "";
    let plot = null;
    let last = null; // what was drawn, to draw it again at another width
    let stepped = -1;

    const inHash = () => new URLSearchParams(location.hash.slice(1));

    /* `?a=X&b=Y` or `#a=X&b=Y`; what is no method of this track is not taken. */
    function fromAddress() {
      const given = inHash().has("a") ? inHash() : new URLSearchParams(location.search);
      const [a, b] = [given.get("a"), given.get("b")];
      first.value = known.has(a) ? a : first.options[0].value;
      second.value = known.has(b) ? b : [...known].find((stem) => stem !== first.value);
      if (Object.hasOwn(DIGITS, given.get("of"))) what.value = given.get("of");
    }

    function toAddress() {
      const address = `#a=${encodeURIComponent(first.value)}&b=${encodeURIComponent(second.value)}&of=${what.value}`;
      history.replaceState(null, "", address);
    }

    async function compare() {
      const turn = (wanted += 1);
      const [a, b] = [first.value, second.value];
      try {
        const [track, methodA, methodB, shown] = await Promise.all([
          load("data/pictures.js", "pictures"),
          load(`data/${a}.js`, `method/${a}`),
          load(`data/${b}.js`, `method/${b}`),
          load("data/shown.js", "shown"),
        ]);
        if (turn === wanted) show(track, methodA, methodB, shown, [a, b]);
      } catch (error) {
        at("verdict").textContent = `They cannot be compared: ${error.message}.`;
      }
    }

    function show(track, methodA, methodB, shown, stems) {
      const of = what.value;
      const all = points(track, methodA, methodB, of);
      const labels = { a: methodA.method, b: methodB.method };
      const count = counts(all);
      const said = verdict(count, labels, of, all.length);
      at("verdict").textContent = said;
      Object.assign(at("verdict").dataset, { a: count.a, b: count.b, ties: count.ties, mean: count.mean });
      last = { all, labels, of, track, summary: `Scatter of ${all.length} pictures. ${said}` };
      redraw();
      at("legend").replaceChildren(...legend(track, all));
      const ordered = [...all].sort((p, q) => minus(q.d, p.d) || p.i - q.i);
      const better = ordered.filter((point) => point.d > 0).slice(0, LARGEST);
      const worse = ordered.filter((point) => point.d < 0).reverse().slice(0, LARGEST);
      const tables = [];
      if (better.length) tables.push(largest("Where A is ahead most", better, track, of, note));
      if (worse.length) tables.push(largest("Where B is ahead most", worse, track, of, note));
      if (!tables.length) tables.push(html("p", { class: "note" }, ["No picture tells them apart."]));
      at("largest").replaceChildren(...tables);
      pictures(track, methodA, methodB, shown, stems);
    }

    function redraw() {
      if (!last) return;
      plot = scatter(at("scatter"), last.all, last.labels, last.of, last.summary);
      stepped = -1;
      note(null);
    }

    /* Name a point below the scatter, and ring it. */
    function note(point) {
      plot.ringAt(point && Number.isFinite(point.x) && Number.isFinite(point.y) ? point : null);
      const box = at("point");
      if (!point) {
        box.textContent = last.all.length ? "Point at a picture, or step through them with the arrow keys." : "There is nothing to compare.";
        return;
      }
      const { of, track } = last;
      box.replaceChildren(
        html("b", {}, [point.name]),
        ` ${track.families[point.family]}: A ${words(point.x, of)}, B ${words(point.y, of)}, A − B ${signed(point.d, of)}${UNITS[of]}`,
      );
    }

    function legend(track, all) {
      const families = [...new Set(all.map((point) => point.family))].sort((p, q) => p - q);
      return families.map((family) => {
        const sign = svg("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, [mark(form(family), 8, 8, 5, { class: look(family) })]);
        return html("li", {}, [sign, ` ${track.families[family]} (${all.filter((point) => point.family === family).length})`]);
      });
    }

    /* The slider of both predictions, where they are here; it stays where only the kind of numbers changes. */
    function pictures(track, methodA, methodB, shown, [a, b]) {
      if (shownOf === `${a} ${b}`) return;
      shownOf = `${a} ${b}`;
      const both = (shown.restored[a] || []).filter((place) => (shown.restored[b] || []).includes(place));
      at("two-pictures").hidden = !both.length || a === b;
      if (at("two-pictures").hidden) return at("two-slider").replaceChildren();
      const places = new Map(track.names.map((name, i) => [name, i]));
      window.deblur.slider(at("two-slider"), {
        sides: { blurred: "blurred", a: `A: ${methodA.method}`, b: `B: ${methodB.method}`, sharp: "sharp" },
        pairs: [["a", "b"], ["a", "sharp"], ["b", "sharp"], ["blurred", "a"], ["blurred", "b"]],
        pictures: both.map((place) => {
          const one = shown.pictures[place];
          const i = places.get(one.name);
          const folder = `pictures/${one.folder}/`;
          return {
            name: one.name,
            files: { blurred: `${folder}blurred.png`, a: `${folder}by-${a}.png`, b: `${folder}by-${b}.png`, sharp: `${folder}sharp.png` },
            psnr: { blurred: number(track.psnr[i]), a: number(methodA.psnr[i]), b: number(methodB.psnr[i]) },
            credit: one.credit,
            url: one.url,
          };
        }),
      });
    }

    const frame = at("scatter");
    frame.addEventListener("pointermove", (event) => plot && note(plot.nearest(event)));
    frame.addEventListener("pointerdown", (event) => plot && note(plot.nearest(event)));
    frame.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!step || !plot || !plot.drawn.length) return;
      const ordered = [...plot.drawn].sort((p, q) => q.d - p.d || p.i - q.i);
      stepped = stepped < 0 && step < 0 ? ordered.length - 1 : (stepped + step + ordered.length) % ordered.length;
      note(ordered[stepped]);
      event.preventDefault();
    });
    for (const choice of [first, second, what]) {
      choice.addEventListener("change", () => {
        toAddress();
        compare();
      });
    }
    at("swap").addEventListener("click", () => {
      [first.value, second.value] = [second.value, first.value];
      toAddress();
      compare();
    });
    window.addEventListener("hashchange", () => {
      if (!inHash().has("a")) return; // such as by the link to the content
      fromAddress();
      compare();
    });
    let width = 0;
    new ResizeObserver(() => {
      if (frame.clientWidth !== width) {
        width = frame.clientWidth;
        redraw();
      }
    }).observe(frame);
    fromAddress();
    compare();
  }

  document.addEventListener("DOMContentLoaded", start);
})();
