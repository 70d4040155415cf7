"""The cases of benchmarks.skew_gate in this process: no ordinary feature is refused, and every planted skew is.

Analyzers take their constants from all rows, as Transform's do; Transform itself and exported models run there.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.skew_gate import preprocessing, skews
from benchmarks.skew_gate.matrix import compare_features, planted_features
from benchmarks.skew_gate.rows import make_rows
from components.skew_gate import comparison, model_probe, report, rounding
from components.skew_gate.bitwise import Arrays
from components.skew_gate.component import BATCH_SIZES
from components.skew_gate.model_probe import FILLED
from components.skew_gate.rounding import Judgement

pytestmark = pytest.mark.slow

ROWS = 1200
RAW = np.array([b""] * ROWS, dtype=object)
# Whole numbers that are made of rounded ones, as the graph of an exported model says.
OF_LOG = (
    "buckets_of_log",
    "buckets_of_log_whole",
    "one_hot_of_log",
    "floor_of_log",
    "rounded_log",
    "rounded_log_float",
)
OPERATIONS = dict.fromkeys(OF_LOG, ("Log1p",))
Function = Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]]


class Analysis:
    """Stands in for tensorflow_transform: finds constants on all rows once, and gives the same ones ever after."""

    def __init__(self) -> None:
        self._constants: list[object] = []
        self._next: int | None = None  # None: the constants are being found

    def analyse(self, function: Function, columns: dict[str, tf.Tensor]) -> Function:
        function(columns)

        def analysed(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            self._next = 0
            return function(inputs)

        return analysed

    def _constant(self, find: Callable[[np.ndarray], object], values: tf.Tensor) -> tf.Tensor:
        if self._next is None:
            self._constants.append(find(values.numpy()))
            return tf.constant(self._constants[-1])
        self._next += 1
        return tf.constant(self._constants[self._next - 1])

    def mean(self, x: tf.Tensor) -> tf.Tensor:
        return self._constant(np.mean, x)

    def var(self, x: tf.Tensor) -> tf.Tensor:
        return self._constant(np.var, x)

    def scale_to_z_score(self, x: tf.Tensor) -> tf.Tensor:
        return (x - self.mean(x)) / tf.sqrt(self.var(x))

    def scale_to_0_1(self, x: tf.Tensor) -> tf.Tensor:
        low, high = self._constant(np.min, x), self._constant(np.max, x)
        return (x - low) / (high - low)

    def bucketize(self, x: tf.Tensor, buckets: int) -> tf.Tensor:
        middle = np.linspace(0, 1, buckets + 1)[1:-1]
        edges = self._constant(lambda values: np.quantile(values, middle, method="nearest")[None], x)
        return self.apply_buckets(x, edges)

    def apply_buckets(self, x: tf.Tensor, edges: tf.Tensor) -> tf.Tensor:
        return tf.searchsorted(edges[0], x[:, 0], side="right", out_type=tf.int64)[:, None]

    def compute_and_apply_vocabulary(self, x: tf.Tensor, **_: object) -> tf.Tensor:
        words = self._constant(lambda values: np.unique(values.astype(bytes)).astype(object), x)
        return tf.argmax(x == words[None], axis=1)[:, None]


@pytest.fixture(scope="module")
def columns() -> dict[str, tf.Tensor]:
    rows = make_rows(ROWS)
    absent = {"miles": -1.0, "company": ""}
    cells = {name: [[absent[name] if row[name] is None else row[name]] for row in rows] for name in rows[0]}
    return {name: tf.constant(values, _dtype(values[0][0])) for name, values in cells.items()}


def _dtype(cell: object) -> tf.DType:
    return tf.string if isinstance(cell, str) else tf.int64 if isinstance(cell, int) else tf.float32


def analysed(columns: dict[str, tf.Tensor], function: Function) -> Function:
    """The function with constants of all rows in it."""
    analysis = Analysis()
    with pytest.MonkeyPatch.context() as patch:
        for module in (preprocessing, skews):
            patch.setattr(module, "tft", analysis)
        found = analysis.analyse(function, columns)

    def patched(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        with pytest.MonkeyPatch.context() as patch:
            for module in (preprocessing, skews):
                patch.setattr(module, "tft", analysis)
            return found(inputs)

    return patched


def in_layouts(columns: dict[str, tf.Tensor], function: Function) -> Arrays:
    """What an exported model gives, named as model_probe.load_predictor does."""
    specs = {name: tf.TensorSpec([None, *t.shape[1:]], t.dtype) for name, t in function(columns).items()}
    batches = model_probe.in_batches(function, specs)
    found = {size: batches(columns, size) for size in BATCH_SIZES}
    again = {name: tf.concat([values, values[: -ROWS % 512]], axis=0) for name, values in columns.items()}
    found[FILLED] = {name: values[:ROWS] for name, values in batches(again, 512).items()}
    return {
        f"transform_features/{size}/{name}": values.numpy()
        for size, outputs in found.items()
        for name, values in outputs.items()
    }


def in_one_batch(columns: dict[str, tf.Tensor], function: Function) -> Arrays:
    """What Transform writes; its batch begins with other rows."""
    batch = {name: tf.concat([values[:3], values], axis=0) for name, values in columns.items()}
    outputs: Mapping[str, tf.Tensor] = tf.function(function, autograph=False)(batch)
    return {name: values.numpy()[3:] for name, values in outputs.items()}


@pytest.fixture(scope="module")
def honest(columns: dict[str, tf.Tensor]) -> tuple[Arrays, Arrays]:
    """The batch path and the exported model, of one function."""
    function = analysed(columns, preprocessing.preprocessing_fn)
    return in_one_batch(columns, function), in_layouts(columns, function)


@pytest.fixture(scope="module")
def planted(columns: dict[str, tf.Tensor], honest: tuple[Arrays, Arrays]) -> tuple[Arrays, Arrays]:
    """The batch path and an exported model with a skew in every feature."""

    def function(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {name: skew.exported(inputs) for name, skew in skews.SKEWS.items()}

    return planted_features(honest[0]), in_layouts(columns, analysed(columns, function))


def test_no_ordinary_feature_is_refused(honest: tuple[Arrays, Arrays]) -> None:
    found = compare_features(*honest, RAW, OPERATIONS)
    assert found.reasons() == []
    assert len(found.comparisons("feature ")) == len(preprocessing.CASES) + 1 >= 54
    rounded = [one.name for one in found.comparisons("feature ") if one.rounding.rows]
    assert {"feature log1p_fare", "feature exp", "feature softmax"} <= set(rounded), (
        "kernels differ on this machine, too"
    )


def test_every_planted_skew_is_refused(planted: tuple[Arrays, Arrays]) -> None:
    found = compare_features(*planted, RAW, {})
    passed = [one.name for one in found.comparisons("feature ") if not one.differences]
    assert passed == []
    assert len(found.comparisons("feature ")) == len(skews.SKEWS) >= 20


def test_a_looser_rule_would_let_every_planted_skew_pass(
    planted: tuple[Arrays, Arrays], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise they would be refused for something else, such as another dtype, and show nothing."""
    monkeypatch.setattr(report, "FEATURE_STEPS", 1e12)
    monkeypatch.setattr(rounding, "SHIFT_STEPS", 1e12)
    monkeypatch.setattr(rounding, "_rank_exact", lambda left, right, *_: np.where(left == right, 0, Judgement.MOVED))
    monkeypatch.setattr(comparison, "LARGEST_EDGE_SHARE", 1.0)
    assert compare_features(*planted, RAW, {}).reasons() == []


def test_the_bound_is_far_below_the_smallest_skew_that_has_to_be_caught() -> None:
    """Another mean by 1e-4 standard deviations."""
    assert rounding.FEATURE_STEPS * rounding.STEP < 1e-4 / 20
