"""The leaderboard in a browser: ten runs and more, on a desktop and a phone."""

from pathlib import Path

import pytest

from pipelines.cli.app import execute
from pipelines.overview.leaderboard_page import render, write_leaderboard
from pipelines.overview.leaderboard_rows import describe_rows, find_shared_parameters
from pipelines.runs import RunError, Runs
from tests.browser import Tab
from tests.pipelines.runs.made_leaderboard import FIRST, REASON, REFUSED, TRIED, WHY, edit, made_run, write_runs
from tests.pipelines.runs.made_runs import write
from tests.runs.report_page import SCHEMES, WIDTHS, faults, show

VALUES = {f"20261122-{hour:02}0000": 0.9 + hour / 1000 for hour in range(1, 9)}


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that are only read; the page's own script is bundled once for all."""
    folder = tmp_path_factory.mktemp("var")
    write_runs(folder)
    write(folder, *(made_run(name, auc, int(name[9:11])) for name, auc in VALUES.items()))
    return folder


def test_runs_are_told_apart_and_the_best_is_marked_among_those_on_the_same_rows(var: Path) -> None:
    table = Runs(var).leaderboard("taxi")
    rows = describe_rows(table, ["auc"], {FIRST: "report.html"})
    assert [row.run for row in rows[:3]] == [TRIED, FIRST, REFUSED]
    assert [row.run for row in rows if row.metrics[0].best] == [TRIED]  # REFUSED is alone on its rows
    (cell,) = rows[0].metrics
    assert (cell.value, cell.interval, cell.mark) == ("0.9600", "0.9500 to 0.9700", ("better", "good"))
    assert [row.parameters for row in rows[:2]] == [(("train_steps", "300"),), (("train_steps", "100"),)]
    assert find_shared_parameters(table) == [("warm_start", "False")]
    assert [row.link for row in rows[:2]] == [None, "report.html"]


def test_the_best_is_of_the_runs_on_the_newest_rows(tmp_path: Path) -> None:
    write_runs(tmp_path)
    edit(tmp_path, REFUSED, metrics={"overall": {"auc": 0.99, "calibration": 1.0}})  # on other rows
    page = render(Runs(tmp_path).list("taxi"), tmp_path, tmp_path / "cache")
    assert f"Best auc of the 2 on the newest known rows: 0.9600, run {TRIED}: experiment night." in page


def test_runs_on_rows_that_nobody_knows_have_no_best(tmp_path: Path) -> None:
    write(tmp_path, *(made_run(name, auc, int(name[9:11])) for name, auc in VALUES.items()))
    page = render(Runs(tmp_path).list("taxi"), tmp_path, tmp_path / "cache")
    assert "8 runs. It is not known which runs were evaluated on the same rows." in page


def test_a_metric_of_unknown_direction_has_no_best(tmp_path: Path) -> None:
    write_runs(tmp_path)
    for run, value in ((FIRST, 1.0), (TRIED, 2.0)):
        edit(tmp_path, run, metrics={"overall": {"calibration": value, "mean_label": value}})
    edit(tmp_path, REFUSED, metrics={})
    table = Runs(tmp_path).leaderboard("taxi")
    names = ["calibration", "mean_label"]
    assert [cell.best for row in describe_rows(table, names, {}) for cell in row.metrics] == [False] * 6
    page = render(Runs(tmp_path).list("taxi"), tmp_path, tmp_path / "cache")
    assert "No metric here tells which run is the best." in page


def test_one_run_and_one_without_metrics(tmp_path: Path) -> None:
    write(tmp_path, made_run("20261122-010000", 0.9, 1))
    edit(tmp_path, "20261122-010000", metrics={})
    page = render(Runs(tmp_path).list("taxi"), tmp_path, tmp_path / "cache")
    assert "1 run. No run has metrics yet." in page


def test_what_people_write_is_shown_and_not_run(tmp_path: Path) -> None:
    write_runs(tmp_path)
    bad = "</script><script>alert(1)</script><b>"
    edit(tmp_path, TRIED, experiment={"name": bad, "note": bad, "tags": [bad]}, not_pushed=f"experiment_{bad}")
    edit(tmp_path, FIRST, review={"required": False, "state": "valid", "reason": "", "reviewer": bad})
    (tmp_path / "runs" / TRIED / "notes.jsonl").unlink()
    runs = Runs(tmp_path).list("taxi")
    assert (runs[-1].note, runs[-1].tags) == (bad, (bad,))
    page = render(runs, tmp_path, tmp_path / "cache")
    assert "alert(1)</script>" not in page
    shown = page.replace("<wbr>", "")
    assert shown.count("alert(1)&lt;/script&gt;") == 6  # experiment, note, tag, outcome (twice: the best), reviewer


@pytest.mark.slow
def test_the_page_of_many_runs(tab: Tab, var: Path) -> None:
    page = write_leaderboard(var, "taxi")
    for width in WIDTHS:
        for scheme in SCHEMES:
            show(tab, page, width, scheme)
            assert faults(tab, page) == []
    text = tab.page.locator("body").inner_text()
    for said in (REASON, WHY, "experiment night", "reviewed by A. Person", "train_steps 100 → 300", "0.9500 to 0.9700"):
        assert said in text
    assert "different sets of rows" in text

    def shown() -> list[str]:
        rows = tab.page.locator("#board tbody tr:visible")
        return [name[:15] for name in rows.locator("th").all_inner_texts()]

    assert shown()[:3] == [TRIED, FIRST, REFUSED]  # the best auc first
    tab.page.set_viewport_size({"width": 1280, "height": 900})
    tab.page.locator("th[data-key=auc] button").click()  # the other way round
    assert shown()[0] == min(VALUES)
    tab.page.get_by_label("Sort by").select_option("started")
    assert shown()[0] == max(VALUES)
    tab.page.get_by_label("Show runs with").fill("night a")
    assert shown() == [TRIED]
    assert tab.page.locator("#shown").inner_text() == "1 of 11"


def test_the_command_prints_the_path(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["leaderboard", "--no-browser", "--var", str(var), "--task", "pipelines.tasks.taxi"]) == 0
    assert capsys.readouterr().out == f"{var / 'leaderboard' / 'taxi.html'}\n"


def test_without_a_run_of_the_task(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RunError, match=r"^no run of task wine below \S+: expected one of the tasks with runs \(taxi\)"):
        write_leaderboard(var, "wine")
    assert execute(["leaderboard", "--no-browser", "--var", str(var), "--task", "wine"]) == 1
    assert capsys.readouterr().err.startswith("error: no run of task wine")
