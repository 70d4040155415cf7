"""Fit Keras models: set seeds and devices, start from earlier weights, fit, and record the history."""

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
# Most steps in one call of Keras: a call costs more than a step, but callbacks wait for its end. An epoch with no more
# steps than this is run step by step, because tracing a loop around the step would cost more than it saves.
_STEPS_PER_CALL = 100
SHUFFLED_BY_TF_DATA = 1 << 17  # most rows that tf.data shuffles, which takes 26 MB
_STEPS_PER_EPOCH = 200  # at most, with the batch size of grow_batch


@contextlib.contextmanager
def training_scope(settings: TrainerConfig, seed: int) -> Iterator[None]:
    """Seed every random generator, and place what is built inside on the devices of `settings`.

    Build, compile and fit inside the scope, but export outside.

    Yields:
        Once, for the body of the `with` statement.
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
    """Return `batch_size`, or a 200th of the rows if that is larger.

    At a fixed learning rate the noise of the gradients depends on rows divided by batch size: Smith and Le, "A Bayesian
    Perspective on Generalization and Stochastic Gradient Descent", 2018, arXiv:1710.06451. A batch size chosen on few
    rows would be too small for a hundred times as many, and training would take a hundred times as long.
    """
    return max(batch_size, -(-len(rows) // _STEPS_PER_EPOCH))


def count_steps(rows: TransformedRows, batch_size: int, epochs: int, settings: TrainerConfig) -> int:
    """Return the number of training steps: all epochs, or the limit in `settings` if that is less.

    `batch_size` is the one that `fit` gets; see grow_batch.
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
    """Fit a compiled model, and keep the weights of the epoch with the lowest validation loss.

    The history and TensorBoard logs are written to `fn_args.model_run_dir`.

    Args:
        model: compiled; accepts a dict of features [batch, n].
        train: rows to learn from.
        validation: rows whose loss decides when to stop.
        fn_args: of the Trainer; None, as in a search: nothing is written.
        steps: most batches. They are divided evenly into epochs, and each epoch into calls of up to 100 steps; a
            remainder is dropped.
        batch_size: rows per step; grow_batch adapts it to the number of rows.
        patience: epochs without a lower validation loss before stopping.
        seed: of the shuffling.
        callbacks: additional callbacks.
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
    """Write the history of a training to `fn_args.model_run_dir`; the run's record and report read it.

    Args:
        fn_args: of the Trainer.
        history: metric, `val_loss` included -> one value for each epoch, or for each boosting round.
    """
    values = {name: [float(value) for value in values] for name, values in history.items()}
    text = json.dumps(values, indent=2) + "\n"  # may hold NaN, because a diverged training is recorded too
    write_text(os.path.join(fn_args.model_run_dir, HISTORY_FILE), text)


def _share_out(steps: int) -> tuple[int, int]:
    """Divide an epoch into calls of Keras: (calls, steps per call). A remainder smaller than `calls` is dropped."""
    if steps <= _STEPS_PER_CALL:
        return steps, 1
    calls = -(-steps // _STEPS_PER_CALL)
    return calls, steps // calls


def make_batches(rows: TransformedRows, batch_size: int, seed: int | None) -> tf.data.Dataset:
    """Return batches of (features, labels); with a seed, shuffled again in each pass.

    Row numbers are shuffled, because shuffling a tensor for each feature of each row takes ten times the memory. A
    batch is gathered from one table per type and split afterwards, because one operation per feature takes longer than
    a step of a small model.
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
    """Return batches of the numbers below `rows`, int64 [batch]; with a seed, shuffled again in each pass.

    tf.data's shuffle takes 200 bytes and some microseconds per number. It still shuffles few numbers, so that earlier
    models can be reproduced; NumPy shuffles many.
    """
    numbers = tf.data.Dataset.range(rows)
    if seed is None:  # Keras counts these batches; at the end of a generator it would warn of too little data.
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
    """Copy the weights of an earlier exported model where path and shape agree.

    Ids are not compared. If a vocabulary has changed, a text starts with the weights of the text that had its id
    before; in a shared vocabulary that may be a text of another column. Training has to correct them.

    Args:
        model: built; its layers have explicit names, not the running numbers of Keras.
        base_model: folder of the SavedModel; None: cold start.

    Returns:
        Number of copied weights.
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
