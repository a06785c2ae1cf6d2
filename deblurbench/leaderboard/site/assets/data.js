/* Data of pages lie in scripts that call `deblurData(name, value)`: pages on a disk may fetch nothing else. */
"use strict";
(function () {
  const values = new Map();
  const pending = new Map();

  window.deblurData = (name, value) => values.set(name, value);

  window.deblur = {
    /* A promise of the value that the script at `address` gives under `name`; each script is loaded once. */
    load(address, name) {
      if (values.has(name)) return Promise.resolve(values.get(name));
      if (!pending.has(name)) {
        pending.set(
          name,
          new Promise((resolve, reject) => {
            const script = document.createElement("script");
            script.src = address;
            script.onload = () => {
              script.remove();
              if (values.has(name)) resolve(values.get(name));
              else reject(new Error(`${address} says nothing of ${name}`));
            };
            script.onerror = () => {
              script.remove();
              pending.delete(name); // it may be tried again
              reject(new Error(`${address} cannot be loaded`));
            };
            document.head.append(script);
          }),
        );
      }
      return pending.get(name);
    },

    /* A number of a data file: infinities are strings there, and null is nothing. */
    number(value) {
      if (value === null || value === undefined) return NaN;
      if (value === "inf") return Infinity;
      return value === "-inf" ? -Infinity : value;
    },

    /* The round numbers between two others, 1, 2 or 5 times a power of ten apart, at most about `most` of them; and
       the digits that tell them apart. */
    ticks(low, high, most) {
      const rough = (high - low) / most;
      const power = 10 ** Math.floor(Math.log10(rough));
      const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
      const found = [];
      for (let k = Math.ceil(low / step); k * step <= high + step * 1e-9; k += 1) found.push(k * step);
      return { found, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
    },

    /* An element of SVG: `svg("circle", {r: 3}, [children])`. Attributes, since styles in a page are not allowed. */
    svg(name, attributes = {}, children = []) {
      const element = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      element.append(...children);
      return element;
    },
  };
})();
