"""A chart on its way into the page."""

import dataclasses
import json

import altair as alt


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """A Vega-Lite chart with its words; the page's script draws it in the colours of the reader's scheme."""

    title: str
    caption: str  # what to see in it; may be empty
    spec: str  # JSON


def figure(title: str, chart: alt.TopLevelMixin, caption: str = "") -> Figure:
    """Takes a chart of pipelines.charts as it is, without a theme of this process."""
    with alt.theme.enable("none"):
        spec = chart.to_dict(validate=False)  # Altair checks arguments by itself; its schema takes longest here.
    return Figure(title=title, caption=caption, spec=json.dumps(spec, separators=(",", ":"), allow_nan=False))
