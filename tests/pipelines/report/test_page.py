"""How a section says that it has no content, and how the cards of the gates are laid out."""

from pathlib import Path

import pytest

from pipelines.report.page import explain_missing
from pipelines.report.rendering import read_style
from pipelines.report.timeline import describe_timeline
from pipelines.runs import RunError, Runs
from tests.browser import Tab
from tests.pipelines.runs.made_runs import ran, summary, write, written


def test_the_error_of_a_failed_run_is_not_repeated(tmp_path: Path) -> None:
    nodes = (
        ran("ExampleGen", written("examples", tmp_path)),
        ran("Trainer", state="failed", summary="it broke"),
        ran("Evaluator", state="skipped"),
    )
    write(tmp_path, summary("20261121-092301", *nodes, status="failed"))
    run = Runs(tmp_path).open()
    for read, words in ((run.slices, "Not reached: Trainer failed."), (run.model, "Trainer failed.")):
        with pytest.raises(RunError) as caught:
            read()
        assert explain_missing(run, caught.value) == words
    assert explain_missing(run, RunError("the rows are gone")) == "the rows are gone"
    assert [row["summary"] for row in describe_timeline(run)["nodes"]][1] == "see the error above"


@pytest.mark.slow
def test_no_card_of_a_gate_is_alone_and_narrow(tab: Tab) -> None:
    cards = "<article class='card'><h2>AnomalyGate <span>the model</span></h2></article>" * 5
    tab.page.set_content(f"<style>{read_style()}</style><main class='inner'><section class='gates'>{cards}</section>")
    for width in (1200, 1000, 700, 390):
        tab.page.set_viewport_size({"width": width, "height": 800})
        boxes = [card.bounding_box() for card in tab.page.locator(".card").all()]
        rows: dict[float, list[float]] = {}
        for box in boxes:
            assert box is not None
            rows.setdefault(box["y"], []).append(box["width"])
        widest = max(sum(widths) + 14 * (len(widths) - 1) for widths in rows.values())
        assert all(sum(widths) + 14 * (len(widths) - 1) == pytest.approx(widest, abs=1) for widths in rows.values())
        assert len(rows) == 1 or width < 1200
