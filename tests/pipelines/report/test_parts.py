"""Small parts of the report: numbers, decisions, the worst slices, the model card, the script inside."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.evaluation.bootstrap import Interval
from pipelines.report import metrics, model_card, numbers, vega
from pipelines.report.evaluation import measure_classes, measure_decisions


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (4993, "4,993"),
        (0.95798, "0.958"),
        (3517.4, "3,517"),
        (1.4e9, "1,400,000,000"),
        (-87.6, "−87.6"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_numbers(value: float | None, shown: str) -> None:
    assert numbers.format_number(value) == shown


def test_measures_stand_under_one_another() -> None:
    assert [numbers.format_metric(value) for value in (0.95, 1.0129, 3517.4, math.nan)] == [
        "0.9500",
        "1.0129",
        "3,517",
        "–",
    ]
    assert [numbers.format_change(value) for value in (-0.00131, 0.0, 233.61, None)] == [
        "−0.0013",
        "+0.0000",
        "+233.6",
        "–",
    ]
    assert [numbers.format_percent(share) for share in (0.343, 0.0, 0.0004, None)] == ["34.3%", "0.0%", "<0.1%", "–"]
    assert numbers.format_interval(Interval(value=1, low=0.5, high=math.nan)) == "–"
    assert numbers.format_change_interval(Interval(value=0, low=-0.25, high=0.125)) == "−0.2500 to +0.1250"


def test_decisions_are_taken_at_the_threshold_itself() -> None:
    found = measure_decisions(np.array([0, 1, 1, 0]), np.array([0.3, 0.3, 0.9, 0.1]), 0.3)
    assert found == {
        "threshold": 0.3, "precision": pytest.approx(2 / 3), "recall": 1.0, "f1": pytest.approx(0.8), "accuracy": 0.75,
        "decided": 0.75, "positive": 0.5,
    }  # fmt: skip


def test_decisions_that_are_never_taken() -> None:
    found = measure_decisions(np.array([0, 1]), np.array([0.3, 0.4]), 0.5)
    assert math.isnan(found["precision"])
    assert (found["recall"], found["accuracy"]) == (0.0, 0.5)
    assert math.isnan(found["f1"])


def test_decisions_class_by_class() -> None:
    found = measure_classes(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), ("a", "b", "c"))
    assert [(one["class"], one["rows"], one["precision"], one["recall"]) for one in found[:2]] == [
        ("a", 2, 0.5, 0.5), ("b", 1, 0.5, 1.0)
    ]  # fmt: skip
    assert math.isnan(found[2]["precision"]), "nobody was taken for it"
    assert found[2]["recall"] == 0.0


FRAME = pd.DataFrame(
    [("a", 0.6, 0.5, 0.7), ("b", 0.8, 0.7, 0.95), ("c", 0.95, 0.9, 0.99), ("d", math.nan, math.nan, math.nan)],
    columns=["slice", "value", "low", "high"],
)


@pytest.mark.parametrize(
    ("metric", "expected"), [("auc", [("a", True), ("b", False)]), ("mean_squared_error", [("c", False)])]
)
def test_the_worst_slices_and_whether_chance_explains_them(metric: str, expected: list[tuple[str, bool]]) -> None:
    found = metrics.find_worst_slices(FRAME.assign(metric=metric), metric, 0.9)
    assert list(zip(found["slice"], found["beyond"], strict=True)) == expected


def test_the_model_card_is_markdown_below_the_pages_headings() -> None:
    html = model_card.render_markdown(
        "## Data\n\n[a card](../data.md), [a site](https://example.com/x), <script>x</script>\n"
    )
    assert "<h3>Data</h3>" in html
    assert "card</a>" not in html
    assert 'a card, <a href="https://example.com/x">a site</a>' in html
    assert "&lt;script&gt;" in html


def test_the_taxi_models_card_says_what_a_card_has_to() -> None:
    from pipelines.tasks.taxi.task import TASK

    assert TASK.model_card is not None
    html = model_card.render_markdown(TASK.model_card.read_text())
    for heading in ("Intended use", "Data", "Metrics", "Limits", "Ethical notes"):
        assert f"<h3>{heading}</h3>" in html


def test_the_script_is_put_together_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = vega.bundle_vega(tmp_path / "cache")
    assert "vegaEmbed" in bundle
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".js"]
    monkeypatch.delattr(vega.vl_convert, "javascript_bundle")
    assert vega.bundle_vega(tmp_path / "cache") == bundle
