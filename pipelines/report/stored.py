"""Find the report in a run's folder, or write it."""

from pathlib import Path

from pipelines.runs import Runs
from serving.process_control import gc_paused_imports


def find_or_write_report(var: Path, run_id: str, *, again: bool) -> Path:
    """Return the path of a run's report, which is written if there is none.

    Args:
        var: The folder of the runs.
        run_id: Id of the run.
        again: Write the report even if there is one.

    Raises:
        RunError: There is no such run, or it cannot be read.
    """
    run = Runs(var).open(run_id)
    path = run.directory / "report.html"
    if again or not path.is_file():
        with gc_paused_imports():  # Imported here: it loads TensorFlow, which an existing report does not need.
            from pipelines.report.page import write_report

        write_report(run, var / "cache")
    return path
