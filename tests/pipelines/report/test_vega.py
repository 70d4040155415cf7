"""The script that draws the charts."""

from pathlib import Path

import pytest

from pipelines.report import vega


@pytest.mark.slow
def test_the_script_is_put_together_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = vega.bundle_vega(tmp_path / "cache")
    assert "vegaEmbed" in bundle
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".js"]
    monkeypatch.delattr(vega.vl_convert, "javascript_bundle")
    assert vega.bundle_vega(tmp_path / "cache") == bundle
