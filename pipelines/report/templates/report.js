// Draw every figure in the colours of the reader's scheme, and again when the scheme changes.
(() => {
  "use strict";
  const themes = JSON.parse(document.getElementById("themes").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const plots = [...document.querySelectorAll("figure.plot")];
  let latest = 0;

  async function draw() {
    const turn = ++latest;
    const scheme = dark.matches ? "dark" : "light";
    const options = { config: themes[scheme], renderer: "svg", actions: false, tooltip: { theme: scheme } };
    for (const plot of plots) {
      const chart = plot.querySelector(".chart");
      try {
        const spec = JSON.parse(plot.querySelector("script").textContent);
        const { view } = await vegaEmbed(chart, spec, options);
        view.container().querySelector("svg").setAttribute("aria-label", plot.getAttribute("aria-label"));
      } catch (error) {
        chart.textContent = `This figure could not be drawn: ${error.message}`;
        console.error(error);
      }
      if (turn !== latest) return;
    }
    document.documentElement.dataset.drawn = scheme;
  }

  dark.addEventListener("change", draw);
  draw();
})();
