"""Draw the figures of the replay's page."""

from collections.abc import Iterator, Mapping

import altair as alt
import pandas as pd

from pipelines import charts
from pipelines.evaluation.bootstrap import Interval
from pipelines.replay.record import ReplayRecord
from pipelines.replay.words import NAMES, version_shares
from pipelines.report.vega import Figure, make_figure

RETRAINED, FIRST = "retrained", "first model left alone"
CAME, ESTIMATED = "measured with labels", "estimated before labels"
_PERFECT = 1.0  # calibration
_CAPTIONS = {
    "auc": "Higher is better. Bars are 95% intervals.",
    "binary_crossentropy": "Lower is better. Bars are 95% intervals.",
    "calibration": "Mean prediction over mean label; 1 is right. Bars are 95% intervals.",
}


def draw_metrics(record: ReplayRecord) -> list[Figure]:
    """Draw each metric of both series by span."""
    return [
        make_figure(
            f"{words[0].upper()}{words[1:]} in production",
            charts.plot_span_lines(
                _frame(
                    (span.span, {RETRAINED: span.comparison.retrained[name], FIRST: span.comparison.first[name]})
                    for span in record.spans
                ),
                words,
                _PERFECT if name == "calibration" else None,
            ),
            _CAPTIONS[name],
        )
        for name, words in NAMES.items()
    ]


def draw_differences(record: ReplayRecord) -> Figure:
    """Draw by span how much the log loss of the retrained models differs from the first model's."""
    name = "binary_crossentropy"
    frame = _frame((span.span, {"retrained minus first": span.comparison.difference[name]}) for span in record.spans)
    caption = "On the same rows and resamples. Below 0, retraining was better."
    return make_figure(
        "Log loss: retrained minus first model", charts.plot_span_lines(frame, "difference", 0.0), caption
    )


def draw_estimates(record: ReplayRecord) -> list[Figure]:
    """Draw the metrics of both series that were estimated before labels came, next to the measured ones."""
    found = []
    for line in (RETRAINED, FIRST):
        estimates = {span.span: span.retrained if line == RETRAINED else span.first for span in record.spans}
        for name in ("auc", "binary_crossentropy"):
            frame = _frame(
                (span, {CAME: one.measured.get(name), ESTIMATED: one.estimated.get(name)})
                for span, one in estimates.items()
                if one is not None
            )
            words = NAMES[name]
            found.append(make_figure(f"{words[0].upper()}{words[1:]}, {line}", _or_empty(frame, words)))
    return found


def draw_shares(record: ReplayRecord) -> Figure:
    """Draw each version's share of the answers by span."""
    rows = [(span.span, version, share) for span in record.spans for version, share in version_shares(span).items()]
    frame = pd.DataFrame(rows, columns=["span", "part", "share"]).sort_values(["span", "part"])
    caption = "A new version gets its share on trial first, then all requests."
    return make_figure("Which version answered", charts.plot_span_parts(frame), caption)


def _or_empty(frame: pd.DataFrame, words: str) -> alt.LayerChart:
    return charts.plot_span_lines(frame, words)


def _frame(lines: Iterator[tuple[str, Mapping[str, Interval | None]]]) -> pd.DataFrame:
    rows = [
        (span, line, found.value, found.low, found.high)
        for span, values in lines
        for line, found in values.items()
        if found is not None
    ]
    return pd.DataFrame(rows, columns=["span", "line", "value", "low", "high"])
