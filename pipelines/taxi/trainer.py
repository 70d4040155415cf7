"""Trains the taxi model on the transformed rows, and exports it."""

import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from pipelines.export import export_model
from pipelines.fitting import fit, read_rows, require_both_classes, start_warm, training_scope
from pipelines.taxi.features import LABEL
from pipelines.taxi.model import Hyperparameters, build_model, compile_model
from pipelines.trainer_entry import trainer_settings


def run_fn(fn_args: FnArgs) -> None:
    """Entry point of the Trainer.

    The epoch is chosen on training rows that were held out, never on the eval split: its metrics stay a fair forecast.

    Raises:
        TrainingError: The rows are too few, or their labels all the same.
    """
    hyperparameters = Hyperparameters()
    transform = tft.TFTransformOutput(fn_args.transform_output)
    rows = read_rows(fn_args.train_files, transform, LABEL)
    require_both_classes(rows, LABEL)
    train, validation = rows.hold_out(one_in=hyperparameters.holdout)
    steps = min(fn_args.train_steps, hyperparameters.epochs * train.batches(hyperparameters.batch_size))
    with training_scope(trainer_settings(fn_args), hyperparameters.seed):
        model = build_model(hyperparameters, transform.vocabulary_size_by_name)
        start_warm(model, fn_args.base_model)
        compile_model(model, hyperparameters, steps)
        fit(
            model,
            train,
            validation,
            fn_args,
            steps=steps,
            batch_size=hyperparameters.batch_size,
            patience=hyperparameters.patience,
            seed=hyperparameters.seed,
        )
    export_model(model, fn_args)
