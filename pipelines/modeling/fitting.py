"""What every Keras trainer does the same way: seeds, devices, rows in memory, fitting, and the record of it."""

import contextlib
import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from components.tfrecords import read_records, untuned
from pipelines.config import TrainerConfig

HISTORY_FILE = "history.json"  # in the ModelRun artifact: one list per metric, one value per epoch
_TENSORBOARD_DIR = "tensorboard"


class TrainingError(ValueError):
    """The rows cannot be trained on."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rows:
    """Transformed rows of one split, in memory."""

    features: dict[str, np.ndarray]  # each [rows, n]
    labels: np.ndarray  # [rows, 1]

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, batch_size: int) -> int:
        """How many batches the rows fill, the last one in part."""
        return -(-len(self) // batch_size)

    def hold_out(self, one_in: int, part: int = -1) -> tuple["Rows", "Rows"]:
        """Splits off every `one_in`-th row: (the others, those).

        Args:
            one_in: the held-out rows are one in so many.
            part: where to begin, 0 to one_in - 1; with each of them once, every row is held out once. -1: the last.

        Raises:
            TrainingError: There are too few rows to hold one out.
        """
        if len(self) < one_in:
            raise TrainingError(f"too few training rows: expected {one_in} or more, received {len(self)}; bring more")
        held_out = np.arange(len(self)) % one_in == part % one_in
        return self._where(~held_out), self._where(held_out)

    def _where(self, kept: np.ndarray) -> "Rows":
        return Rows(features={name: values[kept] for name, values in self.features.items()}, labels=self.labels[kept])


def read_rows(patterns: list[str], transform: tft.TFTransformOutput, label: str) -> Rows:
    """Reads one split of the transformed Examples, in an order that does not depend on how Beam wrote them.

    Beam gives no order across runs and engines. Sorted by value, the same rows train the same model. A split has to fit
    in memory: 10 million rows of 30 features take about 2 GiB.

    Raises:
        TrainingError: The split is empty, or has no such label, or has features that are not dense.
    """
    spec = transform.transformed_feature_spec()
    if label not in spec:
        raise TrainingError(f"preprocessing_fn gives no label {label!r}: expected it among {', '.join(sorted(spec))}")
    files = sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern))
    records = read_records(files)
    if not records:
        raise TrainingError(f"no rows to read: expected at least one, received none in {', '.join(patterns)}")
    sparse = sorted(name for name, feature in spec.items() if not isinstance(feature, tf.io.FixedLenFeature))
    if sparse:
        raise TrainingError(f"transformed features are sparse: {', '.join(sparse)}; densify them in preprocessing_fn")
    parsed = tf.io.parse_example(tf.constant(records), spec)
    columns = {name: parsed[name].numpy() for name in sorted(parsed)}
    order = np.lexsort([column for values in columns.values() for column in values.reshape(len(records), -1).T])
    columns = {name: values[order] for name, values in columns.items()}
    return Rows(labels=columns.pop(label), features=columns)


def require_both_classes(rows: Rows, label: str) -> None:
    """Refuses rows that a binary classifier cannot learn from.

    Raises:
        TrainingError: Every label is the same.
    """
    found = np.unique(rows.labels)
    if len(found) < 2:
        raise TrainingError(
            f"label {label} is {found[0]} in every one of {len(rows)} training rows: expected both 0 and 1; "
            "check the columns that the label is made from, or bring more rows."
        )


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
    train: Rows,
    validation: Rows,
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


def _batches(rows: Rows, batch_size: int, seed: int | None) -> tf.data.Dataset:
    dataset = tf.data.Dataset.from_tensor_slices((rows.features, rows.labels))
    if seed is not None:
        dataset = dataset.shuffle(len(rows), seed=seed)
    return untuned(dataset.batch(batch_size).prefetch(2))


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
