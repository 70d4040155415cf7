"""Vega, Vega-Lite and Vega-Embed as one script to put into the page, out of the vl-convert package: no CDN."""

import importlib.metadata
from pathlib import Path

import vl_convert

from serving.durable_file import write_whole


def vega_bundle(cache: Path) -> str:
    """The libraries' code; it sets `vegaEmbed`.

    Args:
        cache: a folder that keeps it, for each version of vl-convert: putting it together takes 2 s.
    """
    kept = cache / f"vega-{importlib.metadata.version('vl-convert-python')}.js"
    if kept.is_file():
        return kept.read_text(encoding="utf-8")
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    cache.mkdir(parents=True, exist_ok=True)
    write_whole(kept, bundle)
    return bundle
