"""`monitor`: judge the traffic of a window."""

from typing import Annotated

from cyclopts import Parameter

from pipelines.cli.task import require_task
from pipelines.monitoring.options import MonitorOptions

EPILOGUE = """Examples:
  python -m pipelines monitor                              the last seven days
  python -m pipelines monitor --window 1d --until 2026-03-01
  python -m pipelines monitor --log /logs/taxi --metrics /var/lib/node_exporter

Exit status: 0 no alarm; 1 an alarm, or something failed; 2 bad usage, or
another run is using the folder; 130 interrupted.
"""


def monitor(options: Annotated[MonitorOptions | None, Parameter(name="*")] = None) -> int:
    """Judge a window of the gateway's request log: do its rows differ from the training rows?

    Compares the rows that each model version answered with its training rows,
    and all rows with those of the window before and with the contract. All
    tests together raise a false alarm in at most one window of a hundred. A
    window of whole weeks is compared with training in full. Any other window
    has a different mix of hours and weekdays than training, so only unseen
    values and repeated rows are compared with training.

    Writes below <var>/monitoring/<task>/: summary.json, the same for people in
    page.html, and metrics for Prometheus. See docs/how-to/monitoring.md.

    Returns:
        The exit status.
    """
    options = options or MonitorOptions()
    require_task(options.task)
    from pipelines.monitoring import command  # import late: --help does not need rich

    return command.run(options)
