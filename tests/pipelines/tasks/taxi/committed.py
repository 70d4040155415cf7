"""The committed hyperparameters of the taxi task."""

from pipelines.modeling.hyperparameters import read_hyperparameters
from pipelines.tasks.taxi.hyperparameters import Hyperparameters
from pipelines.tasks.taxi.task import TASK

assert TASK.hyperparameters is not None
COMMITTED = read_hyperparameters(TASK.hyperparameters, Hyperparameters)
