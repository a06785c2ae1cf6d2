/* The page of a method: its pictures, and its numbers picture by picture. */
"use strict";
(function () {
  const FIRST = 100; // rows of the table at first
  const { compare: compareText } = new Intl.Collator("en", { numeric: true });
  const { load, number, html, svg, decibels, difference, minus } = window.deblur;

  /* The numbers of a method on the pictures of its track, a row each. */
  function rowsOf(track, method) {
    return track.names.map((name, i) => {
      const blurred = number(track.psnr[i]);
      const psnr = number(method.psnr[i]);
      return {
        name, i, blurred, psnr,
        gain: minus(psnr, blurred),
        ssim: number(method.ssim[i]),
        family: track.families[track.family[i]],
        kind: kind(track.families[track.family[i]], track.severities[track.severity[i]]),
      };
    });
  }

  const kind = (family, severity) => (severity ? `${family}, ${severity}` : family);

  /* The mean of those numbers that are finite. */
  function mean(values) {
    const finite = values.filter(Number.isFinite);
    return finite.length ? finite.reduce((sum, value) => sum + value, 0) / finite.length : NaN;
  }

  /* All gains from worst to best as one outline: how many pictures get worse, and how even the rest is. */
  function profile(host, gains) {
    const sorted = gains.filter(Number.isFinite).sort((a, b) => a - b);
    if (sorted.length < 2) return;
    const worse = gains.filter((gain) => gain < 0).length;
    const middle = sorted[Math.floor((sorted.length - 1) / 2)];
    const words =
      `Gains of ${gains.length} pictures, from ${difference(sorted[0])} dB (worst) over ${difference(middle)} dB ` +
      `(median) to ${difference(sorted[sorted.length - 1])} dB (best); ${worse || "none"} worse than blurred.`;
    const chart = html("div", { class: "profile" });
    host.append(html("figure", {}, [chart, html("figcaption", { class: "note" }, [words])]));
    const draw = () => chart.replaceChildren(profilePicture(sorted, chart.clientWidth || 600, words));
    new ResizeObserver(draw).observe(chart);
  }

  function profilePicture(sorted, width, words) {
    const height = 130;
    const edge = { left: 44, right: 4, top: 8, bottom: 8 };
    const low = Math.min(0, sorted[0]);
    const high = Math.max(0, sorted[sorted.length - 1]);
    const span = high - low || 1;
    const x = (i) => edge.left + (i / sorted.length) * (width - edge.left - edge.right);
    const y = (gain) => edge.top + ((high - gain) / span) * (height - edge.top - edge.bottom);
    const outline = (from, to) => {
      let path = `M${x(from).toFixed(1)} ${y(0).toFixed(1)}`;
      for (let i = from; i < to; i += 1) path += `V${y(sorted[i]).toFixed(1)}H${x(i + 1).toFixed(1)}`;
      return `${path}V${y(0).toFixed(1)}Z`;
    };
    const split = sorted.findIndex((gain) => gain >= 0);
    const turn = split < 0 ? sorted.length : split;
    const label = (gain) => {
      const text = svg("text", { x: edge.left - 6, y: y(gain) + 4, "text-anchor": "end" });
      text.textContent = gain === 0 ? "0" : difference(gain, 1);
      return text;
    };
    const marks = [low, 0, high].filter((gain, i, all) => gain === 0 ? i === 1 : Math.abs(y(gain) - y(0)) > 14);
    return svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": words }, [
      svg("path", { d: outline(0, turn), class: "loss" }),
      svg("path", { d: outline(turn, sorted.length), class: "win" }),
      svg("line", { x1: edge.left, x2: width - edge.right, y1: y(0), y2: y(0), class: "axis" }),
      ...marks.map(label),
    ]);
  }

  const COLUMNS = [
    { key: "name", label: "Picture" },
    { key: "kind", label: "Blur" },
    { key: "blurred", label: "Blurred, dB", cell: (row) => decibels(row.blurred) },
    { key: "psnr", label: "PSNR, dB", cell: (row) => decibels(row.psnr) },
    { key: "gain", label: "Gain, dB", cell: (row) => difference(row.gain) },
    { key: "ssim", label: "SSIM", cell: (row) => (Number.isNaN(row.ssim) ? "–" : row.ssim.toFixed(4)) },
  ];

  /* A table that is sorted by its heads; `onShow` gives a picture that can be shown above, or null. */
  function table(host, rows, show) {
    let column = COLUMNS[4];
    let up = true;
    let family = "";
    let all = false;
    const body = html("tbody");
    const status = html("p", { class: "note", role: "status" });
    const more = html("button", { type: "button", class: "more" });
    const heads = COLUMNS.map((one) => {
      const button = html("button", { type: "button" }, [one.label]);
      button.addEventListener("click", () => sortBy(one, one === column ? !up : !one.cell));
      return html("th", { scope: "col", class: one.cell ? "n" : "" }, [button]);
    });

    function sortBy(one, ascending) {
      column = one;
      up = ascending;
      draw();
    }

    function compare(a, b) {
      const [x, y] = [a[column.key], b[column.key]];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
      const order = typeof x === "string" ? compareText(x, y) : minus(x, y);
      return (up ? order : -order) || a.i - b.i;
    }

    function line(row) {
      return html("tr", {}, COLUMNS.map((one) => {
        if (one.key !== "name") {
          const loses = one.key === "gain" && row.gain < 0 ? " loses" : "";
          return html("td", { class: one.cell ? `n${loses}` : "kind" }, [one.cell ? one.cell(row) : row[one.key]]);
        }
        const name = show.has(row.name) ? html("button", { type: "button", class: "link" }, [row.name]) : row.name;
        if (show.has(row.name)) {
          name.setAttribute("aria-label", `Show ${row.name} above`);
          name.addEventListener("click", () => show.get(row.name)());
        }
        return html("th", { scope: "row" }, [name]);
      }));
    }

    function draw() {
      const chosen = rows.filter((row) => !family || row.family === family).sort(compare);
      const seen = all ? chosen : chosen.slice(0, FIRST);
      body.replaceChildren(...seen.map(line));
      heads.forEach((head, i) => {
        if (COLUMNS[i] === column) head.setAttribute("aria-sort", up ? "ascending" : "descending");
        else head.removeAttribute("aria-sort");
      });
      const order = `${column.label.replace(", dB", "")}, ${up ? "lowest" : "highest"} first`;
      status.textContent = `${seen.length} of ${chosen.length} pictures, by ${order}`;
      more.hidden = seen.length === chosen.length;
      more.textContent = `Show all ${chosen.length}`;
    }

    more.addEventListener("click", () => {
      all = true;
      draw();
    });
    const quick = (label, ascending) => {
      const button = html("button", { type: "button" }, [label]);
      button.addEventListener("click", () => sortBy(COLUMNS[4], ascending));
      return button;
    };
    const tools = [quick("Worst first", true), quick("Best first", false)];
    const families = [...new Set(rows.map((row) => row.family))].sort();
    if (families.length > 1) {
      const choice = html("select", {}, [html("option", { value: "" }, ["all kinds"])]);
      choice.append(...families.map((one) => html("option", { value: one }, [one])));
      choice.addEventListener("change", () => {
        family = choice.value;
        draw();
      });
      tools.push(html("label", {}, ["Blur ", choice]));
    }
    const grid = html("table", { class: "figures images" }, [html("thead", {}, [html("tr", {}, heads)]), body]);
    const frame = html("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Numbers by picture" }, [grid]);
    host.append(html("div", { class: "tools" }, tools), status, frame, more);
    draw();
  }

  /* What each kind of blur gains; nothing where there is only one. */
  function byFamily(host, rows) {
    const families = [...new Set(rows.map((row) => row.family))].sort();
    if (families.length < 2) return;
    const lines = families.map((family) => {
      const of = rows.filter((row) => row.family === family);
      const gains = of.map((row) => row.gain);
      const cells = [of.length, decibels(mean(of.map((row) => row.psnr))), difference(mean(gains)), gains.filter((g) => g < 0).length];
      return html("tr", {}, [html("th", { scope: "row" }, [family]), ...cells.map((cell) => html("td", { class: "n" }, [String(cell)]))]);
    });
    const heads = ["Blur", "Pictures", "PSNR, dB", "Gain, dB", "Worse than blurred"];
    const head = html("tr", {}, heads.map((one, i) => html("th", { scope: "col", class: i ? "n" : "" }, [one])));
    const grid = html("table", { class: "figures" }, [html("thead", {}, [head]), html("tbody", {}, lines)]);
    host.append(html("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Numbers by kind of blur" }, [grid]));
  }

  /* The slider over those pictures that are here, and by name what shows one of them. */
  function pictures(host, title, rows, method, shown) {
    const stem = host.dataset.stem;
    const some = (shown.restored[stem] || []).map((place) => {
      const one = shown.pictures[place];
      const row = rows.find((candidate) => candidate.name === one.name);
      const at = `pictures/${one.folder}/`;
      return {
        name: one.name,
        files: { blurred: `${at}blurred.png`, method: `${at}by-${stem}.png`, sharp: `${at}sharp.png` },
        psnr: { blurred: row.blurred, method: row.psnr },
        credit: one.credit,
        url: one.url,
      };
    });
    if (!some.length) return new Map();
    const slider = window.deblur.slider(host, {
      sides: { blurred: "blurred", method: method.method, sharp: "sharp" },
      pairs: [["blurred", "method"], ["method", "sharp"], ["blurred", "sharp"]],
      pictures: some,
    });
    const show = (name) => () => {
      slider.show(name);
      title.scrollIntoView({ block: "start" });
      host.querySelector(".handle").focus({ preventScroll: true });
    };
    return new Map(some.map((one) => [one.name, show(one.name)]));
  }

  async function start() {
    const host = document.getElementById("images");
    const stem = host.dataset.stem;
    try {
      const [track, method, shown] = await Promise.all([
        load("data/pictures.js", "pictures"),
        load(`data/${stem}.js`, `method/${stem}`),
        load("data/shown.js", "shown"),
      ]);
      const rows = rowsOf(track, method);
      const slider = document.getElementById("slider");
      const show = slider
        ? pictures(slider, document.getElementById("pictures-title"), rows, method, shown)
        : new Map();
      profile(host, rows.map((row) => row.gain));
      byFamily(host, rows);
      table(host, rows, show);
    } catch (error) {
      host.append(html("p", { class: "notice bad" }, [`The numbers cannot be shown: ${error.message}.`]));
    }
  }

  if (document.getElementById("images")) document.addEventListener("DOMContentLoaded", start);
})();
