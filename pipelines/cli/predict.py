"""`predict`: the rows of files, through a pushed model."""

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

Exit status: 0 every row is predicted; 1 rows were refused, and stand with the
reasons in OUT.refused.csv, or something failed and there is no output; 2 bad
usage; 130 interrupted.
"""


def predict(options: Annotated[PredictionOptions, Parameter(name="*")]) -> int:
    """Predict the rows of files with a pushed model.

    Each row of the output has the file and the line that it is of, the
    prediction, the decision where the task has one, the model's version, and
    the time. Rows that break the contract are refused, with reasons, as the
    gateway refuses them.

    The output appears whole or not at all. A prediction that was stopped goes
    on from its finished parts when the same command is given again.
    docs/how-to/predict.md.
    """
    require_task(options.task)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's own notes on the machine
    with warnings.catch_warnings(), remember_interrupts():
        warnings.simplefilter("ignore")  # what Google's libraries say of each other
        with hold_stderr(), gc_paused_imports():
            from pipelines.prediction import command  # Imported here: it loads TensorFlow, which --help need not.
        return command.predict(options)
