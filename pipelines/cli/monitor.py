"""`monitor`: watches the traffic."""

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
    """Judge a window of the gateway's request log: is it what the model was trained on?

    Compares the rows that each model version answered with those that it was
    trained on, all rows with those of the window before, and with the
    contract. All tests together raise a false alarm in one window of a
    hundred at most. A window of whole weeks is compared in full; a shorter
    one holds other hours and weekdays than training did, so that only what
    these cannot explain is compared with training.

    Everything is written below <var>/monitoring/<task>/: summary.json, the
    same for people in page.html, metrics for Prometheus. docs/how-to/monitoring.md
    says more.
    """
    options = options or MonitorOptions()
    require_task(options.task)
    from pipelines.monitoring import command  # Imported here: it loads rich, which --help need not wait for.

    return command.run(options)
