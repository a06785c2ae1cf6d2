/* Two versions of a picture, one on each side of a divider that is moved by mouse, touch or keys. */
"use strict";
(function () {
  const ZOOMS = [["fit", "fit"], ["1", "1×"], ["2", "2×"], ["4", "4×"]];
  const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }; // per cent
  let count = 0;

  /* An element of HTML: `html("p", {class: "x"}, ["text"])`. Text stays text, whatever is in it. */
  function html(name, attributes = {}, children = []) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  /* A group of radio buttons; `choices` are pairs of value and label. */
  function radios(legend, choices, chosen, onChange) {
    const name = `slider-${(count += 1)}`;
    const group = html("fieldset", { class: "segments" }, [html("legend", {}, [legend])]);
    for (const [value, label] of choices) {
      const input = html("input", { type: "radio", name, value });
      input.checked = value === chosen;
      input.addEventListener("change", () => onChange(value));
      group.append(html("label", {}, [input, html("span", {}, [label])]));
    }
    return group;
  }

  /* A number in words, such as of dB. */
  function decibels(value, digits = 2) {
    if (Number.isNaN(value)) return "–";
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
    return value.toFixed(digits).replace("-", "−");
  }

  /* A difference of two numbers in words, with its sign. */
  function difference(value, digits = 2) {
    return (value >= 0 ? "+" : "") + decibels(value, digits);
  }

  /* What remains of `a - b` where both are infinite is 0, as in the tables. */
  const minus = (a, b) => (a === b ? 0 : a - b);

  /* Fill `host` with a slider.
   *
   * sides: by key, what a version is called: {blurred: "blurred", ...}.
   * pairs: which two are set side by side: [["blurred", "method"], ...]; the first one at the start.
   * pictures: [{name, files: {side: address}, psnr: {side: dB}, credit, url}]; url: of the photo's page, or null.
   * Returns {show(name)}, which shows a picture.
   */
  function slider(host, { sides, pairs, pictures }) {
    let picture = pictures[0];
    let pair = pairs[0];
    let zoom = "fit";
    let at = 50; // per cent of what is seen of the picture

    const left = html("img", { class: "left", draggable: "false" });
    const right = html("img", { class: "right", draggable: "false" });
    const sheet = html("div", { class: "sheet" }, [right, left]);
    const view = html("div", { class: "view" }, [sheet]);
    const handle = html("div", {
      class: "handle", role: "slider", tabindex: "0", "aria-label": "Divider between the two pictures",
      "aria-valuemin": "0", "aria-valuemax": "100", "aria-orientation": "horizontal",
    });
    const leftTag = html("span", { class: "tag left", "aria-hidden": "true" });
    const rightTag = html("span", { class: "tag right", "aria-hidden": "true" });
    const stage = html("div", { class: "stage" }, [view, leftTag, rightTag, handle]);
    const values = html("p", { class: "values", "aria-live": "polite" });
    const credit = html("p", { class: "credit" });
    const thumbs = pictures.map((one) => {
      const image = html("img", { src: one.files.blurred, alt: "", loading: "lazy" });
      const button = html("button", { type: "button", class: "thumb", title: one.name, "aria-label": one.name }, [image]);
      button.addEventListener("click", () => show(one.name));
      return button;
    });
    const flip = html("button", { type: "button", class: "flip", title: "or press F" }, ["Flip"]);
    const contrast = html("input", { type: "checkbox" });
    const label = (key) => sides[key];

    function draw() {
      const [a, b] = pair;
      left.src = picture.files[a];
      right.src = picture.files[b];
      left.alt = `${picture.name}, ${label(a)}`;
      right.alt = `${picture.name}, ${label(b)}`;
      leftTag.textContent = tag(a);
      rightTag.textContent = tag(b);
      thumbs.forEach((thumb, i) => thumb.setAttribute("aria-pressed", String(pictures[i] === picture)));
      values.replaceChildren(...sentence());
      credit.replaceChildren(...creditOf(picture));
      layOut();
    }

    function tag(key) {
      const psnr = picture.psnr[key];
      return psnr === undefined ? label(key) : `${label(key)}  ${decibels(psnr)} dB`;
    }

    /* The PSNR of all versions that have one, and what they gain over the blurred one. */
    function sentence() {
      const parts = [html("strong", {}, [picture.name])];
      for (const key of Object.keys(picture.psnr)) {
        const psnr = picture.psnr[key];
        const more = key === "blurred" ? "" : ` (${difference(minus(psnr, picture.psnr.blurred))})`;
        parts.push(html("span", {}, [`${label(key)} `, html("b", {}, [`${decibels(psnr)} dB`]), more]));
      }
      return parts;
    }

    function creditOf({ credit: words, url }) {
      if (!/^https?:\/\//.test(url || "")) return [words || ""];
      return [`${words} `, html("a", { href: url, rel: "noopener noreferrer nofollow" }, ["Its page"])];
    }

    /* Sizes, once the picture is known: never wider than the page, and pixels stay squares where it is enlarged. */
    function layOut() {
      const width = left.naturalWidth || right.naturalWidth;
      const height = left.naturalHeight || right.naturalHeight;
      if (!width) return;
      const room = host.clientWidth;
      const tall = Math.max(240, Math.min(window.innerHeight * 0.7, 720));
      const small = Math.max(1, Math.floor(Math.min(room / width, tall / height)));
      const scale = zoom === "fit" ? (width > room ? room / width : small) : Number(zoom);
      sheet.style.width = `${width * scale}px`;
      sheet.style.height = `${height * scale}px`;
      sheet.classList.toggle("enlarged", scale >= 1);
      stage.style.width = `${Math.min(room, width * scale)}px`;
      view.style.height = zoom === "fit" ? "" : `${Math.min(tall, height * scale)}px`;
      const scrolls = view.scrollWidth > view.clientWidth || view.scrollHeight > view.clientHeight;
      stage.classList.toggle("scrolls", scrolls);
      if (scrolls) {
        view.setAttribute("tabindex", "0");
        view.setAttribute("role", "region");
        view.setAttribute("aria-label", "The enlarged picture; arrow keys move it");
      } else {
        for (const name of ["tabindex", "role", "aria-label"]) view.removeAttribute(name);
      }
      divide();
    }

    /* The left picture ends at the divider, which stays where it is when the picture is moved below it. */
    function divide() {
      const x = view.scrollLeft + (at / 100) * view.clientWidth;
      left.style.clipPath = `inset(0 ${Math.max(0, sheet.offsetWidth - x)}px 0 0)`;
      handle.style.left = `${(at / 100) * view.clientWidth}px`;
      leftTag.classList.toggle("away", at < 12);
      rightTag.classList.toggle("away", at > 88);
      handle.setAttribute("aria-valuenow", String(Math.round(at)));
      handle.setAttribute("aria-valuetext", `${Math.round(at)} % ${label(pair[0])}, the rest ${label(pair[1])}`);
    }

    function moveTo(percent) {
      at = Math.min(100, Math.max(0, percent));
      divide();
    }

    function moveToPointer(event) {
      const box = view.getBoundingClientRect();
      moveTo((100 * (event.clientX - box.left)) / view.clientWidth);
    }

    function show(name) {
      const found = pictures.find((one) => one.name === name);
      if (!found) return false;
      picture = found;
      draw();
      return true;
    }

    /* All of one side, then all of the other: the eye sees a change at one place best. */
    function flipSides() {
      moveTo(at > 50 ? 0 : 100);
    }

    // Where the picture fits, it follows the pointer everywhere; an enlarged one is moved, but at its divider.
    let dragged = null;
    stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const onHandle = handle.contains(event.target);
      const scrolls = stage.classList.contains("scrolls");
      if (!onHandle && scrolls) {
        if (event.pointerType !== "mouse" || event.target === view) return; // fingers and scroll bars do it themselves
        dragged = { x: event.clientX + view.scrollLeft, y: event.clientY + view.scrollTop };
      } else {
        dragged = "divider";
        moveToPointer(event);
        handle.focus({ preventScroll: true });
      }
      stage.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    stage.addEventListener("pointermove", (event) => {
      if (dragged === "divider") moveToPointer(event);
      else if (dragged) view.scrollTo(dragged.x - event.clientX, dragged.y - event.clientY);
    });
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => (dragged = null));
    view.addEventListener("scroll", divide);
    handle.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key in STEPS) moveTo(at + STEPS[event.key]);
      else if (event.key === "Home") moveTo(0);
      else if (event.key === "End") moveTo(100);
      else if (event.key === "f" || event.key === "F") flipSides();
      else return;
      event.preventDefault();
    });
    flip.addEventListener("click", flipSides);
    contrast.addEventListener("change", () => stage.classList.toggle("contrast", contrast.checked));
    left.addEventListener("load", layOut);
    right.addEventListener("load", layOut);
    new ResizeObserver(layOut).observe(host);

    const names = pairs.map(([a, b], i) => [String(i), `${label(a)} | ${label(b)}`]);
    const choosePair = (i) => {
      pair = pairs[Number(i)];
      draw();
    };
    const chooseZoom = (value) => {
      zoom = value;
      layOut();
    };
    host.replaceChildren(
      html("div", { class: "thumbs", role: "group", "aria-label": "Pictures" }, thumbs),
      html("div", { class: "controls" }, [
        radios("Sides", names, "0", choosePair),
        radios("Zoom", ZOOMS, "fit", chooseZoom),
        flip,
        html("label", { class: "check" }, [contrast, "difference, ×4"]),
      ]),
      stage,
      values,
      credit,
    );
    draw();
    return { show };
  }

  Object.assign(window.deblur, { slider, html, decibels, difference, minus });
})();
