"""Render the page's section on labels: production metrics of the window's rows whose outcome is known."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from pipelines.evaluation.slices import OVERALL
from pipelines.monitoring.time_window import TimeWindow
from pipelines.production_metrics.command import measure_window
from pipelines.production_metrics.errors import ProductionMetricsError
from pipelines.production_metrics.records import MetricRecord, ProductionMetrics
from pipelines.production_metrics.table import STRIKING, describe_interval
from pipelines.production_metrics.windows import Window
from pipelines.report.rendering import make_environment
from pipelines.runs import RunError

_TEMPLATES = Path(__file__).with_name("templates")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Labels:
    """The production metrics of a window, or why there are none."""

    found: ProductionMetrics | None
    fault: str  # why there are none; empty if there are metrics

    @property
    def striking(self) -> Sequence[MetricRecord]:
        """The metrics that differ from what was promised by more than chance."""
        return [record for record in self.found.records if record.verdict in STRIKING] if self.found else []


def read_labels(task: str, var: Path, *, log: Path, feedback: Path, window: TimeWindow) -> Labels:
    """Return the production metrics of a window.

    Args:
        task: its name, or a dotted package.
        var: the folder that the runs wrote to.
        log: folder of the request log.
        feedback: folder of the outcomes.
        window: of time.
    """
    try:
        found = measure_window(
            task,
            var,
            log=log,
            feedback=feedback,
            window=Window(start=window.start, end=window.end),
        )
    except (ProductionMetricsError, RunError) as error:
        return Labels(found=None, fault=str(error))
    return Labels(found=found, fault="")


def render_labels(labels: Labels) -> Markup:
    """Render the section's content as HTML: all rows, and the slices with a gap that is more than chance."""
    records = labels.found.records if labels.found else ()
    shown = [record for record in records if record.slice == OVERALL or record in labels.striking]
    page = make_environment(_TEMPLATES).get_template("labels.html.jinja")
    return Markup(
        page.render(
            fault=labels.fault,
            notes=labels.found.notes if labels.found else (),
            rows=[
                {
                    "version": record.version,
                    "slice": record.slice,
                    "metric": record.metric,
                    "labelled": f"{record.labelled:,} of {record.rows:,}",
                    "production": describe_interval(record.production),
                    "estimated": describe_interval(record.estimated),
                    "promised": describe_interval(record.promised),
                    "verdict": record.verdict.value,
                    "striking": record in labels.striking,
                }
                for record in shown
            ],
        )
    )
