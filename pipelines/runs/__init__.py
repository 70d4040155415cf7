"""Read what runs wrote, as DataFrames, protos and callables. Only notes.py writes: notes and tags of a run.

    from pathlib import Path
    from pipelines.runs import Runs

    run = Runs(Path("var")).open("latest")
    run.metrics()
    run.model()(run.rows("eval"))

On the shell: `python -m pipelines runs list | show | diff | lineage`. docs/how-to/runs.md is the guide.
"""

from pipelines.runs.errors import RunError
from pipelines.runs.run import Run
from pipelines.runs.runs import Runs

__all__ = ["Run", "RunError", "Runs"]
