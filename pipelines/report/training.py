"""Describe the training of a run: loss and metrics by epoch, hyperparameters."""

from typing import Any

from pipelines import charts
from pipelines.report.numbers import format_number
from pipelines.report.vega import make_figure
from pipelines.runs import Run
from pipelines.runs.errors import read_optional

_LOSS = "loss"
_CAPTION = "Rows of the train split: those that the model was fitted to, and those held out to choose the epoch."
_BESIDES = ("epoch", "learning_rate")


def describe_training(run: Run) -> dict[str, Any]:
    """Return the content of the section: curves, the epoch with the lowest held-out loss, hyperparameters.

    Args:
        run: The run to report on.

    Raises:
        RunError: The run has no model, or its Trainer wrote no history.
    """
    history = run.history()
    measured = [name for name in history if not name.startswith("val_") and name not in _BESIDES]
    metrics = sorted(measured, key=lambda name: (name != _LOSS, name))
    best = history.loc[history[f"val_{_LOSS}"].idxmin()] if f"val_{_LOSS}" in history else None
    return {
        "epochs": len(history),
        "best": None if best is None else {"epoch": int(best["epoch"]), "loss": format_number(best[f"val_{_LOSS}"])},
        "figures": [
            make_figure(f"{name} by epoch", charts.plot_training_curve(history, name), _CAPTION) for name in metrics
        ],
        "hyperparameters": read_optional(lambda: run.hyperparameters) or {},
    }
