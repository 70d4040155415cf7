"""The report that a run leaves: in a browser, in words, and when it cannot be made."""

import json
import math
from pathlib import Path
from typing import NoReturn

import pytest

from pipelines.cli.app import execute
from pipelines.runs.intervals import INTERVALS_FILE, read_intervals
from tests.browser import Tab
from tests.runs.conftest import History
from tests.runs.in_process import run_here
from tests.runs.project import Project
from tests.runs.report_page import SCHEMES, WIDTHS, faults, show

pytestmark = pytest.mark.pipeline


@pytest.fixture(name="report")
def _report(project: Project) -> Path:
    """Of the newest run, the second: nothing ran, and every part is there."""
    return (project.var / "runs" / "latest").resolve() / "report.html"


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wrong_on_a_phone_or_a_desktop_light_or_dark(tab: Tab, report: Path, width: int) -> None:
    for scheme in SCHEMES:
        show(tab, report, width, scheme)
        assert faults(tab, report) == []
    titles = tab.page.locator("figure.plot").evaluate_all("figures => figures.map(one => one.ariaLabel)")
    assert {
        "loss by epoch",
        "Importance",
        "Effect of bmi",
        "Predicted against actual",
        "Errors",
        "mean_squared_error by sex",
    } <= set(titles)
    assert len([title for title in titles if title.endswith(": share of rows")]) == 11, "a distribution for each column"
    assert report.stat().st_size < 2e6


def test_what_is_wrong_with_a_page_is_noticed(tab: Tab, report: Path, tmp_path: Path) -> None:
    page = report.read_text()
    planted = page.replace("--quiet: #59636e", "--quiet: #b9c3ce")
    planted = planted.replace(
        "</main>", '<img alt="" src="http://127.0.0.1:9/a.png"><div style="width:2000px">x</div></main>'
    )
    head, mark, tail = planted.partition('aria-label="Errors"')
    spec, end, rest = tail.partition("</script>")
    chart = json.loads(spec[spec.index("{") :])
    chart["datasets"] = {name: [] for name in chart["datasets"]}
    planted = head + mark + spec[: spec.index("{")] + json.dumps(chart) + end + rest
    (tmp_path / "planted.html").write_text(planted)
    show(tab, tmp_path / "planted.html", 390, "light")
    found = faults(tab, tmp_path / "planted.html")
    assert "figure without data: Errors" in found
    assert any(fault.startswith("contrast 1.") and "rgb(185, 195, 206)" in fault for fault in found), found
    assert any(fault.startswith("scrolls sideways: ['") for fault in found), found
    assert any("Content Security Policy" in fault for fault in found), "the page itself forbids what asks elsewhere"


def test_it_says_what_the_record_says(tab: Tab, report: Path, history: History) -> None:
    show(tab, report, 1280, "light")
    summary = history.second.summary
    text = tab.page.locator("body").inner_text()
    assert tab.page.locator("h1").inner_text() == "Unchanged"
    assert f"Version {summary['pushed']['version']} already holds this model" in text
    for gate in summary["gates"]:
        for reason in gate["reasons"]:
            assert reason in text
    rows = tab.page.locator("table.nodes tbody tr").all_inner_texts()
    assert [row.split()[:2] for row in rows] == [[node["id"], node["state"]] for node in summary["nodes"]]
    assert "No model was pushed before this one." in text
    assert "task diabetes has no model card" in text
    assert summary["source_digest"] in text
    assert summary["report"] == {"path": str(report), "error": None}


def test_the_intervals_are_kept_beside_it(report: Path, history: History) -> None:
    (found,) = read_intervals(report.parent).values()
    assert found.low < history.second.summary["metrics"]["overall"]["mean_squared_error"] < found.high
    assert (found.meaning, math.isnan(found.change)) == ("", True)  # there was no model to compare with


def test_a_run_that_could_not_begin_has_one(tab: Tab, project: Project) -> None:
    run = run_here(project.var, "--data", "nothing.csv")
    assert run.status == 1
    report = Path(run.summary["report"]["path"])
    show(tab, report, 390, "dark")
    assert faults(tab, report) == []
    assert not (report.parent / INTERVALS_FILE).exists()
    assert tab.page.locator("h1").inner_text() == "Failed"
    assert tab.page.locator("pre.error").inner_text() == run.summary["error"]
    assert "StatisticsGen was not reached" in tab.page.locator("#data").inner_text()


def test_a_report_that_cannot_be_made_changes_nothing_else(
    project: Project, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def no_ink(*_: object) -> NoReturn:
        raise OSError("no ink")

    monkeypatch.setattr("pipelines.report.page.write_report", no_ink)
    run = run_here(project.var)
    assert run.status == 0, run.told()
    assert run.summary["status"] == "unchanged"
    assert run.summary["report"]["path"] is None
    assert run.summary["report"]["error"].startswith("OSError: no ink (tests/runs/test_report.py, line ")
    assert "\nno report    OSError: no ink" in run.terminal
    assert "OSError: no ink" in capfd.readouterr().err, "the log has the traceback"
    assert not list((project.var / "runs" / "latest").resolve().glob("report*"))


def test_the_command_prints_the_path_and_makes_what_is_missing(
    project: Project, report: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["report", "--no-browser", "--var", str(project.var)]
    assert (execute(options), *capsys.readouterr()) == (0, f"{report}\n", "")
    report.unlink()
    assert execute(options) == 0
    assert capsys.readouterr().out == f"{report}\n"
    assert "</html>" in report.read_text()[-20:]
    assert execute([*options, "--run", "20200101-000000"]) == 1
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("error: no run '20200101-000000' below ")
