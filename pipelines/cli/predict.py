"""`predict`: predict the rows of files with a pushed model."""

import os
import warnings
from typing import Annotated

from cyclopts import Parameter

from pipelines.cli.task import require_task
from pipelines.prediction.options import PredictionOptions
from serving.process_control import gc_paused_imports, hold_stderr, remember_interrupts

EPILOGUE = """Examples:
  python -m pipelines predict --data trips.csv --out tips.parquet
  python -m pipelines predict --data trips/ --out tips/      many files to many
  python -m pipelines predict --data trips.csv --out tips.csv --keep trip_id

Exit status: 0 every row is predicted; 1 rows were refused, and are in
OUT.refused.csv with the reasons, or something failed and there is no output;
2 bad usage; 130 interrupted.
"""


def predict(options: Annotated[PredictionOptions, Parameter(name="*")]) -> int:
    """Predict the rows of files with a pushed model.

    Each row of the output names the file and the line of its input, the
    prediction, the decision if the task has one, the model's version, and the
    time. Rows that break the contract are refused, with reasons, as the
    gateway refuses them.

    The output is written whole or not at all. If the command was stopped, give
    it again: it continues from its finished parts. See docs/how-to/predict.md.

    Returns:
        The exit status.
    """
    require_task(options.task)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # hides TensorFlow's notes about the machine
    with warnings.catch_warnings(), remember_interrupts():
        warnings.simplefilter("ignore")  # of Google's libraries about each other
        with hold_stderr(), gc_paused_imports():
            from pipelines.prediction import command  # import late: --help does not need TensorFlow
        return command.predict(options)
