"""What trainers share: the same rows and seeds give the same weights, and what is kept is the best epoch."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from pipelines.config import TrainerConfig
from pipelines.modeling import fitting
from pipelines.modeling.fitting import (
    HISTORY_FILE,
    count_steps,
    fit,
    grow_batch,
    make_batches,
    start_warm,
    training_scope,
)
from pipelines.modeling.transformed_rows import TransformedRows
from tests import handmade

pytestmark = pytest.mark.slow

SETTINGS = TrainerConfig(train_steps=1)


SLOPE = TransformedRows(
    features={"x": np.linspace(-1, 1, 64, dtype=np.float32).reshape(64, 1)},
    labels=3 * np.linspace(-1, 1, 64, dtype=np.float32).reshape(64, 1),
)
OPPOSITE = TransformedRows(features=SLOPE.features, labels=-SLOPE.labels)


def line(optimizer: str | keras.Optimizer = "sgd") -> keras.Model:
    x = keras.Input((1,), name="x")
    model = keras.Model({"x": x}, keras.layers.Dense(1)(keras.layers.Dropout(0.1)(x)))
    model.compile(optimizer=optimizer, loss="mse", run_eagerly=True)  # to trace a graph takes longer than a few steps
    return model


def fitted(
    directory: Path, validation: TransformedRows = SLOPE, *, seed: int = 1, steps: int = 12, patience: int = 9
) -> keras.Model:
    directory.mkdir(exist_ok=True)
    with training_scope(SETTINGS, seed):
        model = line(keras.optimizers.SGD(0.1))
        args = FnArgs(model_run_dir=str(directory))
        fit(model, SLOPE, validation, args, steps=steps, batch_size=16, patience=patience, seed=seed)
    return model


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    one, same, other = (fitted(tmp_path / str(i), seed=seed) for i, seed in enumerate((1, 1, 2)))
    for ours, theirs in zip(one.get_weights(), same.get_weights(), strict=True):
        assert ours.tobytes() == theirs.tobytes()
    assert one.get_weights()[0].tobytes() != other.get_weights()[0].tobytes()


@pytest.mark.parametrize(
    ("steps", "taken", "epochs"), [(1, 1, 1), (3, 3, 1), (4, 4, 1), (5, 4, 2), (11, 9, 3), (12, 12, 3)]
)
def test_steps_are_not_exceeded(tmp_path: Path, steps: int, taken: int, epochs: int) -> None:
    model = fitted(tmp_path, steps=steps)
    assert int(model.optimizer.iterations) == taken
    history = json.loads((tmp_path / HISTORY_FILE).read_text())
    assert {name: len(values) for name, values in history.items()} == {"loss": epochs, "val_loss": epochs}


def test_a_long_epoch_is_taken_in_calls_of_up_to_100_steps(tmp_path: Path) -> None:
    many = TransformedRows(features={"x": np.ones((301, 1), np.float32)}, labels=np.zeros((301, 1), np.float32))
    with training_scope(SETTINGS, 1):
        model = line()
        model.run_eagerly = False
        fit(model, many, SLOPE, FnArgs(model_run_dir=str(tmp_path)), steps=602, batch_size=1, patience=9, seed=1)
    assert model.steps_per_execution == 75
    assert int(model.optimizer.iterations) == 2 * 4 * 75, "1 of 301 steps does not divide"
    epochs = len(json.loads((tmp_path / HISTORY_FILE).read_text())["val_loss"])
    assert epochs == 2, "fit takes batches of the size that steps were counted in, however many rows there are"


@pytest.mark.parametrize(
    ("ceiling", "steps"), [(None, 12), (13, 12), (12, 12), (5, 5)], ids=["none", "higher", "the same", "lower"]
)
def test_the_budget_is_in_epochs_and_a_ceiling_only_lowers_it(ceiling: int | None, steps: int) -> None:
    assert count_steps(SLOPE, 20, 3, TrainerConfig(train_steps=ceiling)) == steps  # 64 rows fill 4 batches of 20


@pytest.mark.parametrize(
    ("rows", "batch_size", "steps"), [(9_508, 128, 75), (25_600, 128, 200), (25_601, 129, 199), (190_171, 951, 200)]
)
def test_more_rows_get_as_many_epochs_of_larger_batches(rows: int, batch_size: int, steps: int) -> None:
    many = TransformedRows(features={}, labels=np.zeros((rows, 1)))
    assert grow_batch(many, 128) == batch_size
    assert count_steps(many, batch_size, 6, TrainerConfig()) == 6 * steps


def test_a_batch_keeps_every_row_together() -> None:
    """Columns of several dtypes and widths are gathered from one table a dtype, and taken apart again."""
    number = np.arange(40)
    features = {
        "wide": np.stack([number, -number], axis=1).astype(np.float32),
        "code": number[:, None].astype(np.int64),
        "half": number[:, None].astype(np.float32) / 2,
        "text": np.array([[f"row {one}".encode()] for one in number], object),
    }
    rows = TransformedRows(features=features, labels=number[:, None].astype(np.int64))
    passes = [list(make_batches(rows, 16, seed=3)), list(make_batches(rows, 16, seed=None))]
    for batches in passes:
        assert [len(labels) for _, labels in batches] == [16, 16, 8]
        for taken, labels in batches:
            assert {name: values.shape[1] for name, values in taken.items()} == {
                **dict.fromkeys(features, 1),
                "wide": 2,
            }
            for name, values in taken.items():
                assert values.numpy().tolist() == features[name][labels.numpy()[:, 0]].tolist()
                assert values.dtype == tf.as_dtype(features[name].dtype)
    shuffled, plain = ([one for _, labels in batches for one in labels.numpy()[:, 0]] for batches in passes)
    assert plain == number.tolist() == sorted(shuffled)
    assert plain != shuffled
    assert make_batches(rows, 16, seed=None).cardinality() == 3, (
        "Keras warns of a validation whose end it does not know"
    )


@pytest.mark.parametrize("most", [40, 39], ids=["tf.data", "NumPy"])
def test_each_pass_has_an_order_of_its_own_and_the_same_seed_the_same_orders(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(fitting, "SHUFFLED_BY_TF_DATA", most)
    numbers = np.arange(40)[:, None]
    rows = TransformedRows(features={"x": numbers}, labels=numbers)

    def read(passes: int, seed: int = 3) -> list[list[int]]:
        tf.random.set_seed(1)  # tf.data's shuffle goes by it, too
        taken = [labels.numpy()[:, 0].tolist() for _, labels in make_batches(rows, 16, seed).repeat(passes)]
        return [[one for batch in taken[first : first + 3] for one in batch] for first in range(0, len(taken), 3)]

    first, second = read(2)
    assert sorted(first) == sorted(second) == numbers[:, 0].tolist()
    assert first != second
    assert read(2) == [first, second]
    assert read(1, seed=4) != [first]


def test_history_and_tensorboard_logs(tmp_path: Path) -> None:
    fitted(tmp_path)
    history = json.loads((tmp_path / HISTORY_FILE).read_text())
    assert history["val_loss"] == sorted(history["val_loss"], reverse=True), "a line is easily learned"
    assert sorted(path.name for path in (tmp_path / "tensorboard").iterdir()) == ["train", "validation"]


@pytest.mark.parametrize(("patience", "epochs"), [(2, 3), (99, 10)], ids=["stopped early", "never stopped"])
def test_the_best_epoch_is_kept(tmp_path: Path, patience: int, epochs: int) -> None:
    model = fitted(tmp_path, OPPOSITE, steps=40, patience=patience)
    losses = json.loads((tmp_path / HISTORY_FILE).read_text())["val_loss"]
    assert len(losses) == epochs
    assert losses == sorted(losses), "what is learned makes this validation loss grow"
    assert model.evaluate(OPPOSITE.features, OPPOSITE.labels, verbose=0) == pytest.approx(losses[0])


def test_warm_start(handmade_export: Path) -> None:
    trained, fresh = handmade.build_model(seed=1), handmade.build_model(seed=2)
    assert start_warm(fresh, str(handmade_export)) == len(fresh.weights) == 4
    for ours, theirs in zip(fresh.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_warm_start_skips_what_has_another_shape(handmade_export: Path) -> None:
    trained = handmade.build_model(seed=1)
    inputs = {tensor.name: keras.Input((1,), name=tensor.name, dtype=tensor.dtype) for tensor in trained.inputs}
    narrow = keras.layers.Dense(8, name="hidden")(keras.layers.concatenate(list(inputs.values())))
    inserted = keras.layers.Dense(8, name="inserted")(narrow)
    model = keras.Model(inputs, keras.layers.Dense(1, name="probability")(inserted))
    before = {weight.path: weight.numpy() for weight in model.weights}
    earlier = {weight.path: weight.numpy() for weight in trained.weights}
    assert start_warm(model, str(handmade_export)) == 3
    for weight in model.weights:
        # hidden/kernel is [6, 8] where [42, 8] was; the inserted layer is new, though its bias has a known shape.
        kept = weight.path in ("hidden/bias", "probability/kernel", "probability/bias")
        np.testing.assert_array_equal(weight, (earlier if kept else before)[weight.path])


def test_cold_start() -> None:
    model = handmade.build_model()
    assert start_warm(model, None) == 0


def test_scope_leaves_the_dtype_policy_as_it_was() -> None:
    mixed = TrainerConfig(train_steps=1, mixed_precision=True)
    expected = "mixed_float16" if tf.config.list_physical_devices("GPU") else "float32"
    with contextlib.suppress(KeyError), training_scope(mixed, seed=1):
        assert keras.config.dtype_policy().name == expected
        raise KeyError
    assert keras.config.dtype_policy().name == "float32"


MIRRORED = """
import functools, sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
# Without a GPU, MirroredStrategy takes the first device only.
tf.distribute.MirroredStrategy = functools.partial(tf.distribute.MirroredStrategy, ["CPU:0", "CPU:1"])

from pipelines.config import TrainerConfig
from pipelines.modeling.export import export_model
from pipelines.modeling.fitting import fit, training_scope
from pipelines.modeling.transformed_rows import TransformedRows, read_rows
from tests import handmade

graph, examples, directory = sys.argv[1:]
rows = read_rows([examples], tft.TFTransformOutput(graph), handmade.LABEL)
args = handmade.fn_args(Path(directory), graph)
numbers = {name: values for name, values in rows.features.items() if name != "company_name"}
rows = TransformedRows(features=numbers, labels=rows.labels)
with training_scope(TrainerConfig(train_steps=1, distribute="mirrored"), seed=1):
    assert tf.distribute.get_strategy().num_replicas_in_sync == 2
    model = handmade.build_model()
    before = model.get_weights()
    model.compile(optimizer="sgd", loss="binary_crossentropy")
    fit(model, rows, rows, args, steps=8, batch_size=50, patience=9, seed=1)
assert all((old != new).any() for old, new in zip(before, model.get_weights()))
export_model(model, args)
served = tf.saved_model.load(args.serving_model_dir)
exported = [served.weights_by_path[weight.path].numpy() for weight in model.weights]
assert all((ours == theirs).all() for ours, theirs in zip(model.get_weights(), exported, strict=True))
requests = tf.constant([handmade.to_example(row) for row in handmade.ROWS])
print("exported", served.signatures["serving_default"](examples=requests)["predictions"].shape)
"""


@pytest.mark.pipeline
def test_two_devices_train_and_the_export_works(handmade_transform: tuple[str, str], tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", MIRRORED, *handmade_transform, str(tmp_path)],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "exported (100, 1)"
