"""The report at the end of a run. Whatever becomes of it, the run has ended as it has."""

import traceback
from pathlib import Path

from pipelines.runner.explain import explain
from pipelines.runner.summary import Summary


def write(summary: Summary, var: Path) -> None:
    """Writes report.html beside the record, which is on disk by now; says in the summary where, or why there is none.

    Args:
        summary: of the run.
        var: the folder that the run wrote to.
    """
    try:
        # Imported here: it loads TensorFlow and Altair, and a run that cannot load them is reported on without.
        from pipelines.report.page import write_report
        from pipelines.runs import Runs

        summary.report_path = str(write_report(Runs(var).open(summary.run_id), var / "cache"))
        summary.report_error = None
    except KeyboardInterrupt:
        summary.report_error = "interrupted"
    except Exception as error:  # The boundary: the record and the terminal say it, the log has the traceback.
        traceback.print_exc()
        summary.report_error = explain(error)
