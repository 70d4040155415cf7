"""What the page and the terminal say of the answers of a window."""

import datetime
import math
import re
from pathlib import Path

import pytest

from pipelines.evaluation.bootstrap import Interval
from pipelines.monitoring import labels
from pipelines.monitoring.labels import Labels, read_labels, render_labels
from pipelines.monitoring.leave import describe_production
from pipelines.monitoring.time_window import TimeWindow
from pipelines.production_metrics.errors import ProductionMetricsError
from pipelines.production_metrics.records import MetricRecord, ProductionMetrics
from pipelines.production_metrics.verdict import GapVerdict
from pipelines.production_metrics.windows import Window

END = datetime.datetime(2026, 3, 15, tzinfo=datetime.UTC)
WINDOW = Window(start=END - datetime.timedelta(days=7), end=END)


def record(verdict: GapVerdict, *, where: str = "overall", metric: str = "auc", labelled: int = 800) -> MetricRecord:
    return MetricRecord(
        window=WINDOW, version=7, slice=where, metric=metric, rows=1000, labelled=labelled,
        production=Interval(value=0.9, low=0.88, high=0.92) if labelled else None,
        estimated=Interval(value=0.95, low=0.94, high=0.96), estimate_held=None,
        promised=Interval(value=0.96, low=0.95, high=0.97), gap=None, p_value=math.nan, verdict=verdict,
    )  # fmt: skip


def made(*records: MetricRecord) -> Labels:
    return Labels(found=ProductionMetrics(task="taxi", records=records, notes=["company is hashed <b>"]), fault="")


def cells(page: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(<th scope.*?)</tr>", page)
    return [[re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]


def test_all_rows_are_shown_and_of_the_slices_those_with_a_gap() -> None:
    page = render_labels(made(
        record(GapVerdict.AS_PROMISED), record(GapVerdict.AS_PROMISED, where="company = A"),
        record(GapVerdict.WORSE, where="company = <B>"),
    ))  # fmt: skip
    common = ["7", "800 of 1,000", "0.900 (0.880–0.920)", "0.950 (0.940–0.960)", "0.960 (0.950–0.970)"]
    assert cells(page) == [
        ["auc", "overall", *common, GapVerdict.AS_PROMISED.value],
        ["auc", "company = &lt;B&gt;", *common, GapVerdict.WORSE.value],
    ]
    assert f"<strong>{GapVerdict.WORSE.value}</strong>" in page
    assert "company is hashed &lt;b&gt;" in page


def test_the_terminal_counts_labels_and_names_gaps() -> None:
    found = made(
        record(GapVerdict.WORSE), record(GapVerdict.AS_PROMISED, metric="log_loss"),
        record(GapVerdict.BETTER, where="company = A"),
    ).found  # fmt: skip
    assert found is not None
    assert describe_production(found.as_dict()) == (
        f"800 of 1,000 rows have one; auc on overall {GapVerdict.WORSE.value}; "
        f"auc on company = A {GapVerdict.BETTER.value}"
    )
    quiet = made(record(GapVerdict.NO_LABELS, labelled=0)).found
    assert quiet is not None
    assert describe_production(quiet.as_dict()) == "none of 1,000 rows has one yet"


def test_what_cannot_be_measured_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise ProductionMetricsError("of a regression <i>nothing</i> is known")

    monkeypatch.setattr(labels, "measure_window", refuse)
    window = TimeWindow(end=END, length=datetime.timedelta(days=7))
    found = read_labels("taxi", tmp_path, log=tmp_path, feedback=tmp_path, window=window)
    assert "of a regression &lt;i&gt;nothing&lt;/i&gt; is known" in render_labels(found)
    assert describe_production({"fault": found.fault}) == "not measured: of a regression <i>nothing</i> is known"
