"""Write the page of a replay: one HTML file that loads nothing from the network."""

from pathlib import Path

from pipelines import charts
from pipelines.replay import figures, words
from pipelines.replay.record import ReplayRecord
from pipelines.report.numbers import format_number
from pipelines.report.rendering import inline_json, inline_script, make_environment, read_script, read_style
from pipelines.report.vega import bundle_vega
from serving.durable_file import write_whole

PAGE_FILE = "page.html"
_TEMPLATES = Path(__file__).with_name("templates")


def write_page(record: ReplayRecord, folder: Path) -> Path:
    """Write the page, whole or not at all.

    Args:
        record: of the replay.
        folder: for the page; its subfolder `cache` holds what pages share.

    Returns:
        Path of the page.
    """
    path = folder / PAGE_FILE
    write_whole(path, render(record, folder / "cache"))
    return path


def render(record: ReplayRecord, cache: Path) -> str:
    """Return the page as HTML; for the arguments see `write_page`."""
    decisions = {decision.id: decision for decision in record.decisions}
    return (
        make_environment(_TEMPLATES)
        .get_template("replay.html.jinja")
        .render(
            record=record,
            verdict=words.judge(record),
            tiles=_tiles(record),
            metrics=figures.draw_metrics(record),
            difference=figures.draw_differences(record),
            estimates=figures.draw_estimates(record),
            shares=figures.draw_shares(record),
            rows=[
                {
                    "span": span.span,
                    "sent": span.sent,
                    "page": span.page,
                    "retrained": words.describe_value(span.comparison.retrained["auc"]),
                    "first": words.describe_value(span.comparison.first["auc"]),
                    "loss": words.describe_loss(span, record.first_version),
                    "alarm": words.describe_alarm(span),
                    "alarmed": bool(span.alarms),
                    "decision": words.describe_decision(decisions[span.decision]),
                }
                for span in record.spans
            ],
            refusals=_count_refusals(record),
            quarantined=[span.span for span in record.spans if span.quarantined],
            decisions=record.decisions,
            describe_decision=words.describe_decision,
            themes=inline_json({scheme: charts.make_config(scheme) for scheme in charts.SCHEMES}),
            vega=inline_script(bundle_vega(cache)),
            script=read_script(),
            style=read_style(),
        )
    )


def _tiles(record: ReplayRecord) -> list[dict[str, str]]:
    sent = sum(span.sent for span in record.spans)
    failed, refused = (sum(len(getattr(span, name)) for span in record.spans) for name in ("failed", "refused"))
    trained = words.trainings(record)
    outcomes = [decision.outcome for decision in trained]
    alarms = sum(span.verdict == "alarm" for span in record.spans)
    promoted = outcomes.count("promoted")
    return [
        _tile("rows sent", format_number(sent), f"{failed:,} without an answer, {refused:,} refused"),
        _tile("windows with an alarm", f"{alarms} of {len(record.spans)}", "monitoring, 1% false alarms at most"),
        _tile("trainings", str(len(trained)), f"{promoted} promoted; the first model's is not counted"),
        _tile("played in", _length(record.seconds), f"{len(record.trained_first) + len(record.spans)} spans"),
    ]


def _tile(name: str, value: str, about: str) -> dict[str, str]:
    return {"name": name, "value": value, "about": about}


def _length(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"


def _count_refusals(record: ReplayRecord) -> dict[str, int]:
    """Return the reasons for which rows were refused with their numbers, the most frequent first."""
    counts: dict[str, int] = {}
    for reason in (reason for span in record.spans for reason in span.refused):
        counts[reason] = counts.get(reason, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))
