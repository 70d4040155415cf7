"""What every Keras trainer does the same way: seeds, devices, a warm start, fitting, and the record of it."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from components.tfrecords import disable_autotune
from pipelines.config import TrainerConfig
from pipelines.modeling.transformed_rows import TransformedRows

HISTORY_FILE = "history.json"  # in the ModelRun artifact: one list per metric, one value per epoch
_TENSORBOARD_DIR = "tensorboard"


@contextlib.contextmanager
def training_scope(settings: TrainerConfig, seed: int) -> Iterator[None]:
    """Seeds every generator, and places what is built inside on the devices that `settings` ask for.

    Building, compiling and fitting belong inside; the export does not.
    """
    keras.utils.set_random_seed(seed)
    gpus = tf.config.list_physical_devices("GPU")
    before = keras.config.dtype_policy()
    if settings.mixed_precision and gpus:
        keras.config.set_dtype_policy("mixed_float16")
    mirrored = settings.distribute == "mirrored" or (settings.distribute == "auto" and len(gpus) > 1)
    strategy = tf.distribute.MirroredStrategy() if mirrored else tf.distribute.get_strategy()
    try:
        with strategy.scope():
            yield
    finally:
        keras.config.set_dtype_policy(before)


def fit(
    model: keras.Model,
    train: TransformedRows,
    validation: TransformedRows,
    fn_args: FnArgs | None,
    *,
    steps: int,
    batch_size: int,
    patience: int,
    seed: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Fits a compiled model, and keeps the epoch with the lowest validation loss.

    Writes the history and TensorBoard logs to `fn_args.model_run_dir`.

    Args:
        model: compiled; takes a dict of features [batch, n].
        train: rows to learn from.
        validation: rows whose loss decides when to stop.
        fn_args: of the Trainer; None, as in a search: nothing is written.
        steps: batches at most, shared out evenly over as many epochs as they fill; what does not divide is not taken.
        batch_size: rows a step.
        patience: epochs without a lower validation loss before stopping.
        seed: of the shuffling.
        callbacks: more of them.
    """
    epochs = -(-steps // train.batches(batch_size))
    run_dir = Path(fn_args.model_run_dir) if fn_args else None
    tensorboard = (
        [keras.callbacks.TensorBoard(run_dir / _TENSORBOARD_DIR, write_graph=False, profile_batch=0)] if run_dir else []
    )
    history = model.fit(
        _batches(train, batch_size, seed).repeat(),
        steps_per_epoch=steps // epochs,
        epochs=epochs,
        validation_data=_batches(validation, batch_size=4096, seed=None),
        callbacks=[
            keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True),
            *tensorboard,
            *callbacks,
        ],
        verbose=0,
    )
    if run_dir is None:
        return
    values = {name: [float(value) for value in values] for name, values in history.history.items()}
    (run_dir / HISTORY_FILE).write_text(json.dumps(values, indent=2) + "\n")


def _batches(rows: TransformedRows, batch_size: int, seed: int | None) -> tf.data.Dataset:
    dataset = tf.data.Dataset.from_tensor_slices((rows.features, rows.labels))
    if seed is not None:
        dataset = dataset.shuffle(len(rows), seed=seed)
    return disable_autotune(dataset.batch(batch_size).prefetch(2))


def start_warm(model: keras.Model, base_model: str | None) -> int:
    """Copies the weights of an earlier exported model, where layer, name and shape still agree.

    Args:
        model: built; its layers have names of their own, not Keras' running numbers.
        base_model: folder of the SavedModel, or None for a cold start.

    Returns:
        How many of the model's weights were copied.
    """
    if base_model is None:
        return 0
    earlier = tf.saved_model.load(base_model).weights_by_path
    kept = [
        weight
        for weight in model.weights
        if weight.path in earlier and tuple(weight.shape) == tuple(earlier[weight.path].shape)
    ]
    for weight in kept:
        weight.assign(earlier[weight.path])
    return len(kept)
