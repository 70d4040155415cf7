"""The committed hyperparameters of the taxi task."""

from pipelines.hyperparameters import read_hyperparameters
from pipelines.taxi.hyperparameters import Hyperparameters
from pipelines.taxi.task import TASK

assert TASK.hyperparameters is not None
COMMITTED = read_hyperparameters(TASK.hyperparameters, Hyperparameters)
