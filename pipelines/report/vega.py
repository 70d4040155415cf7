"""Charts in the page: the specification of each, and the script that draws them."""

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
    caption: str  # what to see in it; may be empty
    spec: str  # JSON


def make_figure(title: str, chart: alt.TopLevelMixin, caption: str = "") -> Figure:
    """Serializes a chart of pipelines.charts without any theme of this process."""
    with alt.theme.enable("none"):
        spec = chart.to_dict(validate=False)  # Altair checks arguments by itself; its schema takes longest here.
    return Figure(title=title, caption=caption, spec=json.dumps(spec, separators=(",", ":"), allow_nan=False))


def bundle_vega(cache: Path) -> str:
    """Bundles Vega, Vega-Lite and Vega-Embed into one script that sets `vegaEmbed`, out of the vl-convert package.

    Args:
        cache: a folder that keeps the script of each version of vl-convert: bundling takes 2 s.
    """
    kept = cache / f"vega-{importlib.metadata.version('vl-convert-python')}.js"
    if kept.is_file():
        return kept.read_text(encoding="utf-8")
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    cache.mkdir(parents=True, exist_ok=True)
    write_whole(kept, bundle)
    return bundle
