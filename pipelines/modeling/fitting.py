"""What every Keras trainer does the same way: seeds, devices, a warm start, fitting, and the record of it."""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from components.artifact_files import write_text
from components.tfrecords import disable_autotune
from pipelines.config import TrainerConfig
from pipelines.modeling.compact_columns import Place
from pipelines.modeling.transformed_rows import TransformedRows

HISTORY_FILE = "history.json"  # in the ModelRun artifact: one list per metric, one value per epoch
_TENSORBOARD_DIR = "tensorboard"
# At most, that Keras takes at once: a call costs more than a step, and callbacks wait for its end. An epoch of so few
# is taken step by step: to trace a loop around the step costs more than it would save.
_STEPS_PER_CALL = 100
SHUFFLED_BY_TF_DATA = 1 << 17  # rows at most, 26 MB
_STEPS_PER_EPOCH = 200  # at most, of what grow_batch gives; beyond, batches grow with the rows


@contextlib.contextmanager
def training_scope(settings: TrainerConfig, seed: int) -> Iterator[None]:
    """Seed every generator, and places what is built inside on the devices that `settings` ask for.

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


def grow_batch(rows: TransformedRows, batch_size: int) -> int:
    """Return the batch size for so many rows: the one that was asked for, or a 200th of the rows where that is more.

    Rows over batch size is what the noise of the gradients goes by, at one learning rate: Smith and Le, "A Bayesian
    Perspective on Generalization and Stochastic Gradient Descent", 2018, arXiv:1710.06451. So a batch size that was
    chosen on some rows would be too small for a hundred times as many, and take a hundred times as long.
    """
    return max(batch_size, -(-len(rows) // _STEPS_PER_EPOCH))


def count_steps(rows: TransformedRows, batch_size: int, epochs: int, settings: TrainerConfig) -> int:
    """Count the steps of a training: so many epochs, or what `settings` allow at most where that is less.

    The batch size is that which `fit` gets too; see grow_batch.
    """
    steps = epochs * rows.batches(batch_size)
    return steps if settings.train_steps is None else min(steps, settings.train_steps)


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
    """Fit a compiled model, and keeps the epoch with the lowest validation loss.

    Writes the history and TensorBoard logs to `fn_args.model_run_dir`.

    Args:
        model: compiled; takes a dict of features [batch, n].
        train: rows to learn from.
        validation: rows whose loss decides when to stop.
        fn_args: of the Trainer; None, as in a search: nothing is written.
        steps: batches at most, shared out evenly over as many epochs as they fill, and in each of those over calls
            of up to 100; what does not divide is not taken.
        batch_size: rows a step; grow_batch says how many suit many rows.
        patience: epochs without a lower validation loss before stopping.
        seed: of the shuffling.
        callbacks: more of them.
    """
    epochs = -(-steps // train.batches(batch_size))
    calls, model.steps_per_execution = _share_out(steps // epochs)
    log_dir = os.path.join(fn_args.model_run_dir, _TENSORBOARD_DIR) if fn_args else None
    tensorboard = [keras.callbacks.TensorBoard(log_dir, write_graph=False, profile_batch=0)] if log_dir else []
    history = model.fit(
        make_batches(train, batch_size, seed).repeat(),
        steps_per_epoch=calls * model.steps_per_execution,
        epochs=epochs,
        validation_data=make_batches(validation, batch_size=4096, seed=None),
        callbacks=[
            keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True),
            *tensorboard,
            *callbacks,
        ],
        verbose=0,
    )
    if fn_args is not None:
        write_history(fn_args, history.history)


def write_history(fn_args: FnArgs, history: Mapping[str, Sequence[float]]) -> None:
    """Write how a training went to `fn_args.model_run_dir`, for the record, the report and scientists.

    Args:
        fn_args: of the Trainer.
        history: by metric, one value for each epoch, or for each round of another way to fit. With `val_loss`.
    """
    values = {name: [float(value) for value in values] for name, values in history.items()}
    text = json.dumps(values, indent=2) + "\n"  # may hold NaN: a training that diverged is recorded, too
    write_text(os.path.join(fn_args.model_run_dir, HISTORY_FILE), text)


def _share_out(steps: int) -> tuple[int, int]:
    """Share an epoch's steps out over calls of Keras: (calls, steps a call); fewer steps than calls are left over."""
    if steps <= _STEPS_PER_CALL:
        return steps, 1
    calls = -(-steps // _STEPS_PER_CALL)
    return calls, steps // calls


def make_batches(rows: TransformedRows, batch_size: int, seed: int | None) -> tf.data.Dataset:
    """Make batches of (features, labels); with a seed, shuffled anew in each pass.

    What is shuffled are the numbers of rows: a tensor for each feature of each row takes ten times the memory. A batch
    is taken from one table for each type, and split afterwards: an operation for each feature takes longer than the
    step of a small model.
    """
    tables, places, order = rows.columns.tables, rows.columns.places, rows.positions

    def gather(chosen: np.ndarray) -> list[np.ndarray]:
        return [table.take(order[chosen], axis=0) for table in tables]

    def split(chosen: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        taken: dict[str, tf.Tensor] = {}
        gathered = tf.numpy_function(gather, [chosen], [tf.as_dtype(table.dtype) for table in tables], stateful=False)
        for number, table in enumerate(tables):
            held = {name: place for name, place in places.items() if place.table == number}
            parts = tf.split(tf.ensure_shape(gathered[number], [None, table.shape[1]]), _widths(held), axis=1)
            taken |= {name: tf.cast(part, place.dtype) for (name, place), part in zip(held.items(), parts, strict=True)}
        return taken, taken.pop(rows.label)

    return disable_autotune(_number_batches(len(rows), batch_size, seed).map(split).prefetch(2))


def _number_batches(rows: int, batch_size: int, seed: int | None) -> tf.data.Dataset:
    """Make batches of the numbers from 0 to `rows`, int64 [batch]; with a seed, shuffled anew in each pass.

    tf.data's shuffle takes 200 bytes and some microseconds for each number. It gives few of them the order that they
    had in every model before; many are shuffled by NumPy.
    """
    numbers = tf.data.Dataset.range(rows)
    if seed is None:  # As many batches as Keras counts: a generator's end is a warning of too little data to it.
        return numbers.batch(batch_size)
    if rows <= SHUFFLED_BY_TF_DATA:
        return numbers.shuffle(rows, seed=seed).batch(batch_size)
    random = np.random.default_rng(seed)

    def generate() -> Iterator[np.ndarray]:
        shuffled = random.permutation(rows)
        for begin in range(0, rows, batch_size):
            yield shuffled[begin : begin + batch_size]

    return tf.data.Dataset.from_generator(generate, output_signature=tf.TensorSpec([None], tf.int64))


def _widths(places: Mapping[str, Place]) -> list[int]:
    return [place.width for place in places.values()]


def start_warm(model: keras.Model, base_model: str | None) -> int:
    """Copy the weights of an earlier exported model, where layer, name and shape still agree.

    Ids are not compared. Where a vocabulary's entries have changed places, a text begins with the weights of the one
    that had its id before; in a shared vocabulary that may be another column's. Training has to unlearn them.

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
