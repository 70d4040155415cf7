"""What may be wrong with a report as a browser shows it."""

from pathlib import Path

from tests.browser import Tab

WIDTHS = (390, 1280)  # pixels: a phone, a desktop
SCHEMES = ("light", "dark")
LEAST_CONTRAST = 4.5  # WCAG 2.1 AA, text of normal size

# Relative luminance and contrast ratio as WCAG 2.1 defines them; text is held against what is painted below it: the
# nearest rectangle of its chart, else the nearest background of the elements around it.
_CONTRASTS = """
() => {
  const channels = color => (color.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(value => value / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const opaque = color => { const c = channels(color); return c.length >= 3 && (c.length < 4 || c[3] === 1); };
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor;
      if (opaque(color)) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const under = text => {
    const box = text.getBoundingClientRect();
    const x = box.x + box.width / 2, y = box.y + box.height / 2;
    const cells = [...text.ownerSVGElement.querySelectorAll(".mark-rect path, g > rect")].filter(cell => {
      const c = cell.getBoundingClientRect();
      return c.left <= x && x <= c.right && c.top <= y && y <= c.bottom && opaque(getComputedStyle(cell).fill);
    });
    return cells.length ? getComputedStyle(cells[cells.length - 1]).fill : behind(text.ownerSVGElement.parentElement);
  };
  const found = [];
  const note = (words, front, back) => {
    const [high, low] = [light(channels(front)), light(channels(back))].sort((a, b) => b - a);
    found.push([words.trim().slice(0, 40), (high + 0.05) / (low + 0.05), front, back]);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const drawn = element.checkVisibility() && !element.closest("script, style, noscript, svg");
    if (!walker.currentNode.data.trim() || !drawn) continue;
    note(walker.currentNode.data, getComputedStyle(element).color, behind(element));
  }
  for (const text of document.querySelectorAll("svg text")) {
    const words = text.textContent;
    if (words.trim() && text.checkVisibility()) note(words, getComputedStyle(text).fill, under(text));
  }
  return found;
}
"""
# Marks are what the data drew; axes, legends and titles have roles of their own.
_MARKS = """
() => [...document.querySelectorAll("figure.plot")].map(figure => {
  const marks = figure.querySelectorAll("svg .mark-group .role-mark path, svg .mark-group .role-mark text, "
    + "svg .role-mark path[aria-roledescription]");
  return [figure.getAttribute("aria-label"), [...marks].filter(mark => mark.getAttribute("d") !== "M0,0").length];
})
"""
_WIDER = """
() => [...document.querySelectorAll("body *")].filter(e => !e.closest("nav, .wide, thead")
    && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(e => e.tagName)
"""


def show(tab: Tab, report: Path, width: int, scheme: str) -> None:
    """Opens a report, and waits until every figure is drawn."""
    tab.page.set_viewport_size({"width": width, "height": 900})
    tab.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    tab.page.goto(report.as_uri())
    tab.page.wait_for_selector(f'html[data-drawn="{scheme}"]', state="attached")


def faults(tab: Tab, report: Path) -> list[str]:
    """What is wrong with the page that `show` opened; details are opened first."""
    tab.page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true })")
    found = [f"asks for {url}" for url in tab.requests if url != report.as_uri() and not url.startswith("data:")]
    found += [f"console: {error}" for error in [*tab.console_errors, *tab.page_errors]]
    found += [f"figure without data: {title}" for title, marks in tab.page.evaluate(_MARKS) if not marks]
    contrasts = tab.page.evaluate(_CONTRASTS)
    found += [
        f"contrast {ratio:.2f} of {front} on {back}: {words!r}"
        for words, ratio, front, back in contrasts
        if ratio < LEAST_CONTRAST
    ]
    if not contrasts:
        found.append("no text")
    if tab.page.evaluate("() => document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append(f"scrolls sideways: {tab.page.evaluate(_WIDER)[:5]}")
    return found
