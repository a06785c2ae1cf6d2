/* Runs before the page is drawn: says that there are scripts, and takes up the colours that the reader chose. */
"use strict";
(function () {
  const root = document.documentElement;
  root.classList.add("js");

  function stored() {
    try {
      return localStorage.getItem("deblurbench-theme");
    } catch (error) {
      return null; // such as where a browser keeps nothing for pages on a disk
    }
  }

  function store(theme) {
    try {
      localStorage.setItem("deblurbench-theme", theme);
    } catch (error) {
      // the choice lasts as long as the page
    }
  }

  function isDark() {
    const chosen = root.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  const theme = stored();
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    const label = () => {
      button.textContent = isDark() ? "Light colours" : "Dark colours";
    };
    button.hidden = false;
    label();
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      store(root.dataset.theme);
      label();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", label);
  });
})();
