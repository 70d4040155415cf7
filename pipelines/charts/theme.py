"""Define the theme of every chart: a Vega-Lite configuration for a light and for a dark page.

The colours meet WCAG AA: a contrast to the page of 4.5:1 for text, 3:1 for lines and areas. They are distinguishable
with the common kinds of colour blindness.
"""

import dataclasses
from typing import Any

import altair as alt

LIGHT, DARK = "light", "dark"
SCHEMES = (LIGHT, DARK)
REFERENCE = "reference"  # style of lines to compare with, such as the diagonal
NOTE = "note"  # style of text in a chart
HEIGHT = 240  # pixels
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Palette:
    """Colours of one scheme."""

    text: str
    quiet: str  # secondary text, reference lines
    grid: str
    categories: tuple[str, ...]
    heat: tuple[str, str]  # shares from 0 to 1


PALETTES = {
    LIGHT: Palette(
        text="#1f2328",
        quiet="#59636e",
        grid="#e4e7eb",
        categories=("#1f6feb", "#c4560a", "#18794e", "#8250df", "#b3246b", "#6b7280"),
        heat=("#f3f6fb", "#6ea8fe"),
    ),
    DARK: Palette(
        text="#e6edf3",
        quiet="#9aa4af",
        grid="#2b323b",
        categories=("#58a6ff", "#f0883e", "#3fb984", "#b78cff", "#f778ba", "#9aa4af"),
        heat=("#1a222d", "#1f5fbf"),
    ),
}


def make_config(scheme: str) -> dict[str, Any]:
    """Return the Vega-Lite configuration of a scheme, LIGHT or DARK."""
    palette = PALETTES[scheme]
    axis = {"labelColor": palette.quiet, "titleColor": palette.text, "titleFontWeight": "normal"}
    lines = {"gridColor": palette.grid, "domainColor": palette.grid, "tickColor": palette.grid}
    return {
        "background": "transparent",
        "font": _FONT,
        "view": {"stroke": None, "continuousHeight": HEIGHT},
        "axis": axis | lines | {"labelFontSize": 12, "titleFontSize": 12, "labelLimit": 170, "titlePadding": 6},
        "axisX": {"labelFlush": False, "labelSeparation": 5},
        "legend": {
            "labelColor": palette.text, "titleColor": palette.text, "labelFontSize": 12, "title": None, "orient": "top",
            "labelLimit": 260, "symbolStrokeWidth": 3,
        },
        "header": {"labelColor": palette.text, "titleColor": palette.text},
        "title": {"color": palette.text, "anchor": "start", "fontSize": 13, "fontWeight": 600},
        "range": {"category": list(palette.categories), "heatmap": list(palette.heat), "ramp": list(palette.heat)},
        "mark": {"color": palette.categories[0]},
        "line": {"strokeWidth": 2},
        "rule": {"strokeWidth": 2, "color": palette.categories[0]},
        "text": {"color": palette.text},
        "area": {"line": True, "fillOpacity": 0.25},
        "style": {
            REFERENCE: {"color": palette.quiet, "strokeWidth": 1.2, "strokeDash": [4, 3]},
            NOTE: {"color": palette.text, "fontSize": 12},
        },
    }  # fmt: skip


def use_theme(scheme: str = LIGHT) -> None:
    """Apply a scheme to every chart of this process, for notebooks."""
    name = f"pipelines-{scheme}"

    @alt.theme.register(name, enable=True)
    def _look() -> alt.theme.ThemeConfig:
        return alt.theme.ThemeConfig(config=make_config(scheme), width=420, height=HEIGHT)
