"""Plant skews: the exported model computes something else than training did for a case of preprocessing.py."""

import dataclasses
import math
from collections.abc import Callable

import tensorflow as tf
import tensorflow_transform as tft

from benchmarks.skew_gate.preprocessing import CASES, EXP_EDGES, LABEL, Columns, dense_columns

SHIFT = 1e-4  # standard deviations
EDGE_SHIFT = 1e-3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Skew:
    """One planted skew."""

    of: str  # the case that training computed, or LABEL
    exported: Callable[[Columns], tf.Tensor]  # what the exported model computes


def planted_fn(inputs: dict[str, tf.Tensor | tf.SparseTensor]) -> Columns:
    """Compute the exported model's side of every skew; the label and the model's `z_score` are as in training."""
    columns = dense_columns(inputs)
    outputs = {name: skew.exported(columns) for name, skew in SKEWS.items()}
    return outputs | {LABEL: columns[LABEL], "z_score": CASES["z_score"](columns)}


def _swapped(ids: tf.Tensor, one: int, other: int) -> tf.Tensor:
    one, other = tf.constant(one, ids.dtype), tf.constant(other, ids.dtype)
    return tf.where(ids == one, other, tf.where(ids == other, one, ids))


def _of_case(name: str, change: Callable[[tf.Tensor], tf.Tensor]) -> Skew:
    return Skew(of=name, exported=lambda columns: change(CASES[name](columns)))


def _with_column(name: str, column: str, change: Callable[[tf.Tensor], tf.Tensor]) -> Skew:
    return Skew(of=name, exported=lambda columns: CASES[name](columns | {column: change(columns[column])}))


def _moved_edges(columns: Columns) -> tf.Tensor:
    low, middle, high = EXP_EDGES
    return tft.apply_buckets(tf.exp(columns["latitude"] - 41.88), tf.constant([[low, middle + EDGE_SHIFT, high]]))


def _few_rows(columns: Columns) -> tf.Tensor:
    score = CASES["z_score"](columns)
    return tf.where((columns["hour"] == 3) & (columns["seconds"] < 300), score + 10 * SHIFT, score)


def _minus_batch_mean(values: tf.Tensor) -> tf.Tensor:
    return values - 0.01 * tf.reduce_mean(values, axis=0, keepdims=True)


SKEWS: dict[str, Skew] = {
    "another mean by 1e-4 deviations": _of_case("z_score", lambda z: z + SHIFT),
    "another mean by 1e-5 deviations": _of_case("z_score", lambda z: z + SHIFT / 10),
    "another mean by 1e-6 deviations": _of_case("z_score", lambda z: z + SHIFT / 100),
    "another mean of a logarithm": _of_case("z_score_of_log1p", lambda z: z - SHIFT),
    "another mean of an epoch's logarithm": _of_case("z_score_of_log_epoch", lambda z: z - SHIFT),
    "another deviation by 1e-4": _of_case("z_score_latitude", lambda z: z * (1 + SHIFT)),
    "another deviation by 2e-6": _of_case("z_score", lambda z: z * (1 + 2e-6)),
    "another range by 1e-4": _of_case("min_max", lambda share: share * (1 + SHIFT)),
    "one vocabulary entry swapped": _of_case("vocabulary", lambda ids: _swapped(ids, 30, 31)),
    "one vocabulary entry lost": _of_case("vocabulary", lambda ids: tf.where(ids == 39, ids + 1, ids)),
    "a bucket edge moved by 1e-3": Skew(of="buckets_edges_of_exp", exported=_moved_edges),
    "an edge belongs below": _of_case("rounded_log", lambda ids: tf.where(ids % 10 == 5, ids - 1, ids)),
    "a default of 0 for -1, 1 row in 1000": _of_case("missing_filled", lambda x: tf.where(x == -1.0, 0.0, x)),
    "a flag dropped, 1 row in 1000": _of_case("flag", tf.zeros_like),
    "a clip, 1 row in 1000": _of_case("as_it_is", lambda x: tf.minimum(x, 75.0)),
    "1e-3 deviations, 1 row in 400": Skew(of="z_score", exported=_few_rows),
    "log1p(x + 1e-4) for log1p(x)": _with_column("log1p_fare", "fare", lambda x: x + 1e-4),
    "log(x) for log1p(x)": Skew(of="log1p_fare", exported=CASES["log"]),
    "half precision": _with_column("signed_log", "delay", lambda x: tf.cast(tf.cast(x, tf.float16), tf.float32)),
    "1.609 for 1.609344 kilometres": _of_case("missing_filled", lambda x: x * (1.609 / 1.609344)),
    "degrees by another π": _with_column("haversine", "latitude", lambda x: x * (3.14159 / math.pi)),
    "a period of 24.001 hours": _with_column("sin_of_epoch", "epoch", lambda x: x + 3),
    "softmax at temperature 1.0001": _of_case("softmax", lambda p: p / (p + (1 - p) * (1 + SHIFT))),
    "another separator": _with_column("cross", "payment", lambda s: tf.strings.join([s, "_"])),
    "another number of hash buckets": Skew(
        of="hash", exported=lambda c: tf.strings.to_hash_bucket_fast(c["company"], 51)
    ),
    "a blank at the end": _of_case("text", lambda s: tf.strings.regex_replace(s, "company 7$", "company 7 ")),
    "an hour of another time zone": _with_column("cos_hour", "hour", lambda hour: (hour + 1) % 24),
    "the batch's own mean": _of_case("z_score_of_log1p", _minus_batch_mean),
    "weights of 12 bits": _of_case("embedding", lambda x: tf.round(x * 2**12) / 2**12),
    "another label by 1e-4": Skew(of=LABEL, exported=lambda c: c[LABEL] * (1 + SHIFT)),
}
