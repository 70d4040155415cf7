"""Train the taxi model on the transformed rows, and export it."""

from collections.abc import Sequence

import keras
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from pipelines.config import TrainerConfig
from pipelines.modeling.export import export_model
from pipelines.modeling.fitting import count_steps, fit, grow_batch, start_warm, training_scope
from pipelines.modeling.hyperparameters import from_config
from pipelines.modeling.trainer_entry import trainer_settings
from pipelines.modeling.transformed_rows import TransformedRows, read_rows, require_classes
from pipelines.tasks.taxi.features import LABEL
from pipelines.tasks.taxi.hyperparameters import Hyperparameters
from pipelines.tasks.taxi.model import NETWORKS, build_model, compile_model
from pipelines.tasks.taxi.trees import TREES, fit_trees

# Models that Keras does not fit: architecture in hyperparameters.toml -> function that fits it as a Keras model.
OTHER_MODELS = {TREES: fit_trees}
ARCHITECTURES = (*NETWORKS, *OTHER_MODELS)


def run_fn(fn_args: FnArgs) -> None:
    """Train and export the model for the Trainer.

    Raises:
        HyperparameterError: The hyperparameters are not valid.
        TrainingError: There are too few rows, or all their labels are the same.
    """
    hyperparameters = from_config(fn_args.hyperparameters, Hyperparameters)
    transform = tft.TFTransformOutput(fn_args.transform_output)
    rows = read_rows(fn_args.train_files, transform, LABEL)
    export_model(train(hyperparameters, rows, transform, trainer_settings(fn_args), fn_args=fn_args), fn_args)


def train(
    hyperparameters: Hyperparameters,
    rows: TransformedRows,
    transform: tft.TFTransformOutput,
    settings: TrainerConfig,
    *,
    fn_args: FnArgs | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> keras.Model:
    """Train one model, for the Trainer or for a search.

    The epoch is chosen on training rows that are held out, never on the eval split, so that the metrics on the eval
    split stay unbiased.

    Args:
        hyperparameters: of the model and its training.
        rows: training rows; one in `holdout` of them only chooses the epoch.
        transform: has the sizes of the vocabularies.
        settings: how to use the machine, and the most steps.
        fn_args: of the Trainer: the model to start from, and where to write the history; None in a search.
        callbacks: additional callbacks, if Keras fits the model.

    Returns:
        The fitted model.

    Raises:
        TrainingError: There are too few rows, or all their labels are the same.
    """
    require_classes(rows, LABEL, classes=2)
    fitted, validation = rows.hold_out(one_in=hyperparameters.holdout)
    if hyperparameters.architecture in OTHER_MODELS:
        fit_other = OTHER_MODELS[hyperparameters.architecture]
        return fit_other(hyperparameters, fitted, validation, transform, settings, fn_args)
    batch_size = grow_batch(fitted, hyperparameters.batch_size)
    steps = count_steps(fitted, batch_size, hyperparameters.epochs, settings)
    with training_scope(settings, hyperparameters.seed):
        model = build_model(hyperparameters, transform.vocabulary_size_by_name)
        start_warm(model, fn_args.base_model if fn_args else None)
        compile_model(model, hyperparameters, steps)
        fit(
            model,
            fitted,
            validation,
            fn_args,
            steps=steps,
            batch_size=batch_size,
            patience=hyperparameters.patience,
            seed=hyperparameters.seed,
            callbacks=callbacks,
        )
    return model
