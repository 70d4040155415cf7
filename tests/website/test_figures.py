"""The figures are made of what runs left, and what is missing is named."""

import json
from pathlib import Path

import pytest

from website import figures

SIGNATURE = b"\x89PNG"


def left(run: Path, status: str) -> None:
    run.mkdir(parents=True)
    (run / "summary.json").write_text(json.dumps({"status": status}))
    (run / "report.html").write_text(f"<p>{status}</p>")


def test_the_report_is_that_of_the_newest_run_that_pushed(tmp_path: Path) -> None:
    for name, status in (("1", "pushed"), ("2", "pushed"), ("3", "refused")):
        left(tmp_path / "runs" / name, status)
    assert figures.pushed_report(tmp_path) == tmp_path / "runs" / "2" / "report.html"


def test_without_runs_nothing_is_made_and_each_source_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert figures.main(["--var", str(tmp_path), "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    for target in ("make run-local", "make replay", "make bench"):
        assert f"which `{target}" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_picture_of_a_report(tmp_path: Path) -> None:
    left(tmp_path / "runs" / "1", "pushed")
    assert figures.main(["--var", str(tmp_path), "--out", str(tmp_path)]) == 0
    picture = (tmp_path / "report.png").read_bytes()
    assert picture.startswith(SIGNATURE)
    assert (int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])) == (960, 750)
