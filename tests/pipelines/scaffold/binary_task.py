"""What a new binary task trains, held against its own thresholds without a pipeline around it.

test_new_task copies this file into the tests of the new task `tumour`, whose fixtures it takes.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_model_analysis as tfma
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from pipelines.config import TrainerConfig
from pipelines.evaluation.tfma_results import slice_metrics
from pipelines.modeling.hyperparameters import as_config, read_hyperparameters
from pipelines.modeling.trainer_entry import custom_config, run_fn
from pipelines.tasks.tumour.hyperparameters import Hyperparameters
from pipelines.tasks.tumour.task import TASK
from tests import handmade

Row = dict[str, Any]


def test_the_trained_model_meets_the_thresholds(
    analysed: tft.TFTransformOutput,
    transformed: Callable[..., dict[str, np.ndarray]],
    rows: list[Row],
    tmp_path: Path,
) -> None:
    trained, held_out = [row for place, row in enumerate(rows) if place % 3], rows[::3]
    columns = transformed(*trained)
    stacked = {name: np.hstack([columns[part] for part in parts]) for name, parts in TASK.feature_parts.items()}
    stacked[TASK.label] = columns[TASK.label]
    examples = (
        handmade.to_example({name: values[place].tolist() for name, values in stacked.items()})
        for place in range(len(trained))
    )
    run = tmp_path / "run"
    run.mkdir()
    values = vars(read_hyperparameters(TASK.hyperparameters, Hyperparameters))
    run_fn(
        FnArgs(
            train_files=[handmade.write_records(tmp_path / "train.gz", examples)],
            transform_output=str(Path(analysed.transform_savedmodel_dir).parent),
            schema_path=str(TASK.contract),
            serving_model_dir=str(tmp_path / "serving"),
            model_run_dir=str(run),
            hyperparameters=as_config(values),
            custom_config=custom_config(TASK.run_fn, TrainerConfig(train_steps=100)),
            base_model=None,
        )
    )
    # As the Evaluator does it when no model was blessed before.
    config = tfma.utils.update_eval_config_with_defaults(TASK.make_eval_config(), rubber_stamp=True)
    tfma.run_model_analysis(
        eval_config=config,
        eval_shared_model=tfma.default_eval_shared_model(str(tmp_path / "serving"), eval_config=config),
        data_location=handmade.write_records(tmp_path / "eval.gz", map(handmade.to_example, _with_text(held_out))),
        output_path=str(tmp_path / "evaluation"),
    )
    assert tfma.load_validation_result(str(tmp_path / "evaluation")).validation_ok
    metrics = slice_metrics(tmp_path / "evaluation")["overall"]
    assert metrics["example_count"] == len(held_out)
    assert metrics["auc"] > 0.97
    assert metrics["binary_crossentropy"] < 0.3


def _with_text(rows: list[Row]) -> list[Row]:
    return [{name: cell.decode() if isinstance(cell, bytes) else cell for name, cell in row.items()} for row in rows]
