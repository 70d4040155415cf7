"""The table on the terminal."""

import datetime
import io
import math

from rich.console import Console

from pipelines.evaluation.bootstrap import Interval
from pipelines.production_metrics.records import MetricRecord, ProductionMetrics
from pipelines.production_metrics.table import show_metrics
from pipelines.production_metrics.verdict import GapVerdict
from pipelines.production_metrics.windows import Window

NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


def record(where: str, verdict: GapVerdict) -> MetricRecord:
    interval = Interval(value=0.9, low=0.88, high=0.93)
    return MetricRecord(
        window=Window(start=NOON, end=NOON + datetime.timedelta(days=7)), version=7, slice=where,
        metric="binary_crossentropy", rows=2497, labelled=1000, production=interval, estimated=interval,
        estimate_held=True, promised=interval, gap=None, p_value=math.nan, verdict=verdict,
    )  # fmt: skip


def shown(width: int, *, all_slices: bool) -> str:
    records = [
        record("overall", GapVerdict.AS_PROMISED),
        record("company = [red]Flash", GapVerdict.WORSE),
        record("company = quiet", GapVerdict.AS_PROMISED),
    ]
    text = io.StringIO()
    found = ProductionMetrics(task="taxi", records=records, notes=[])
    show_metrics(Console(file=text, width=width, emoji=False), found, all_slices=all_slices)
    return text.getvalue()


def test_slices_with_a_gap_are_shown_as_they_are_called() -> None:
    text = shown(200, all_slices=False)
    assert "company = [red]Flash  binary_crossentropy" in text
    assert "quiet" not in text
    assert "1 slices without a gap beyond chance" in text
    assert "quiet" in shown(200, all_slices=True)


def test_a_narrow_terminal_cuts_nothing_off() -> None:
    narrow = "".join(shown(80, all_slices=True).split())
    assert "…" not in narrow
    assert narrow.count(".930)") == 9
