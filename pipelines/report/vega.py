"""Serialize charts for the page, and bundle the script that draws them."""

import dataclasses
import importlib.metadata
import json
from pathlib import Path

import altair as alt
import vl_convert

from serving.durable_file import write_whole


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """A Vega-Lite chart with its title and caption; the page's script draws it in the reader's colour scheme."""

    title: str
    caption: str  # may be empty
    spec: str  # JSON


def make_figure(title: str, chart: alt.TopLevelMixin, caption: str = "") -> Figure:
    """Serialize a chart of pipelines.charts without the theme of this process."""
    with alt.theme.enable("none"):
        spec = chart.to_dict(validate=False)  # Altair has checked the arguments; validating the schema is slow.
    return Figure(title=title, caption=caption, spec=json.dumps(spec, separators=(",", ":"), allow_nan=False))


def bundle_vega(cache: Path) -> str:
    """Return one script of Vega, Vega-Lite and Vega-Embed, from the vl-convert package, that sets `vegaEmbed`.

    Args:
        cache: A folder that keeps the script for each version of vl-convert, since bundling takes 2 s.
    """
    kept = cache / f"vega-{importlib.metadata.version('vl-convert-python')}.js"
    if kept.is_file():
        return kept.read_text(encoding="utf-8")
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    cache.mkdir(parents=True, exist_ok=True)
    write_whole(kept, bundle)
    return bundle
