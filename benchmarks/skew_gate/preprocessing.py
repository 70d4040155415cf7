"""Ordinary preprocessing cases, each an output of one `preprocessing_fn`: one run of Transform makes them all."""

import math
from collections.abc import Callable

import tensorflow as tf
import tensorflow_transform as tft

Columns = dict[str, tf.Tensor]  # dense [batch, 1]; float32, int64 or string

LABEL = "amount"
MISSING = -1.0  # what an absent `miles` becomes
LOG_EDGES = (2.0, 2.7, 3.3)  # of `buckets_edges_of_log`
EXP_EDGES = (0.95, 1.0, 1.05)  # of `buckets_edges_of_exp`


def preprocessing_fn(inputs: dict[str, tf.Tensor | tf.SparseTensor]) -> Columns:
    """Compute every case, and the label."""
    columns = dense_columns(inputs)
    outputs = {name: case(columns) for name, case in CASES.items()}
    outputs[LABEL] = columns[LABEL]
    return outputs


def dense_columns(inputs: dict[str, tf.Tensor | tf.SparseTensor]) -> Columns:
    """Make raw columns dense, [batch, 1]."""
    return {name: _dense(values) for name, values in inputs.items()}


def _dense(values: tf.Tensor | tf.SparseTensor) -> tf.Tensor:
    """Return [batch, 1]; MISSING or an empty string where absent."""
    if not isinstance(values, tf.SparseTensor):
        return values
    sparse = tf.SparseTensor(values.indices, values.values, [values.dense_shape[0], 1])
    return tf.sparse.to_dense(sparse, default_value="" if values.dtype == tf.string else MISSING)


def _float(values: tf.Tensor) -> tf.Tensor:
    return tf.cast(values, tf.float32)


def _log_miles(columns: Columns) -> tf.Tensor:
    return tf.math.log1p(tf.maximum(columns["miles"], 0.0))


def _log_seconds(columns: Columns) -> tf.Tensor:
    return tf.math.log1p(_float(columns["seconds"]))


def _share(columns: Columns) -> tf.Tensor:
    """Return [batch, 3]: softmax over three columns of similar size."""
    parts = [_log_miles(columns), tf.math.log1p(columns["fare"]), columns["delay"]]
    return tf.nn.softmax(tf.concat(parts, axis=1), axis=1)


def _standardised_row(columns: Columns) -> tf.Tensor:
    """Return [batch, 3]: layer normalisation."""
    values = tf.concat([_log_miles(columns), tf.math.log1p(columns["fare"]), columns["delay"]], axis=1)
    mean, variance = tf.nn.moments(values, axes=[1], keepdims=True)
    return (values - mean) * tf.math.rsqrt(variance + 1e-3)


def _distance(columns: Columns) -> tf.Tensor:
    """Return the haversine distance from the city's centre, in miles."""
    latitude, longitude = (columns[name] * (math.pi / 180) for name in ("latitude", "longitude"))
    centre = (41.88 * math.pi / 180, -87.63 * math.pi / 180)
    a = (
        tf.sin((latitude - centre[0]) / 2) ** 2
        + tf.cos(latitude) * math.cos(centre[0]) * tf.sin((longitude - centre[1]) / 2) ** 2
    )
    return 3959.0 * 2 * tf.asin(tf.sqrt(a))


def _hour_angle(columns: Columns) -> tf.Tensor:
    return 2 * math.pi * _float(columns["hour"]) / 24


def _crossed(columns: Columns) -> tf.Tensor:
    key = tf.strings.join([columns["payment"], tf.strings.as_string(columns["hour"])], separator="_x_")
    return tf.strings.to_hash_bucket_fast(key, 100)


def _random_table(columns: Columns) -> tf.Tensor:
    """Return [batch, 4]: an embedding by id, times a matrix."""
    table = tf.constant([[math.sin(3 * i + j) for j in range(8)] for i in range(24)], tf.float32)
    matrix = tf.constant([[math.cos(5 * i + j) for j in range(4)] for i in range(8)], tf.float32)
    return tf.linalg.matmul(tf.gather(table, columns["hour"][:, 0]), matrix)


CASES: dict[str, Callable[[Columns], tf.Tensor]] = {
    "as_it_is": lambda c: c["fare"],
    "z_score": lambda c: tft.scale_to_z_score(c["fare"]),
    "z_score_latitude": lambda c: tft.scale_to_z_score(c["latitude"]),
    "z_score_float64": lambda c: _float(tft.scale_to_z_score(tf.cast(c["fare"], tf.float64))),
    "min_max": lambda c: tft.scale_to_0_1(c["fare"]),
    "missing_filled": lambda c: c["miles"],
    "log1p_fare": lambda c: tf.math.log1p(c["fare"]),
    "log1p_miles": _log_miles,
    "log1p_seconds": _log_seconds,
    "log": lambda c: tf.math.log(c["fare"]),
    "log10": lambda c: tf.math.log(c["fare"]) / math.log(10.0),
    "z_score_of_log1p": lambda c: tft.scale_to_z_score(tf.math.log1p(c["fare"])),
    "z_score_of_log_epoch": lambda c: tft.scale_to_z_score(tf.math.log(_float(c["epoch"]))),
    "log1p_float64": lambda c: _float(tf.math.log1p(tf.cast(c["fare"], tf.float64))),
    "signed_log": lambda c: tf.sign(c["delay"]) * tf.math.log1p(tf.abs(c["delay"])),
    "exp": lambda c: tf.exp(c["delay"]),
    "exp_decay": lambda c: tf.exp(-c["fare"] / 10.0),
    "expm1": lambda c: tf.math.expm1(c["delay"] / 3.0),
    "pow": lambda c: tf.pow(c["fare"], 1.7),
    "cube_root": lambda c: tf.sign(c["delay"]) * tf.pow(tf.abs(c["delay"]), 1.0 / 3.0),
    "box_cox": lambda c: (tf.pow(c["fare"], 0.3) - 1.0) / 0.3,
    "reciprocal_root": lambda c: tf.math.rsqrt(c["fare"]),
    "sin_hour": lambda c: tf.sin(_hour_angle(c)),
    "cos_hour": lambda c: tf.cos(_hour_angle(c)),
    "tan": lambda c: tf.tan(c["delay"]),
    "haversine": _distance,
    "sin_of_epoch": lambda c: tf.sin(2 * math.pi * _float(c["epoch"] % 86_400) / 86_400),
    "atan2": lambda c: tf.atan2(c["delay"], c["fare"]),
    "sigmoid": lambda c: tf.sigmoid(c["delay"]),
    "tanh": lambda c: tf.tanh(c["delay"]),
    "softplus": lambda c: tf.math.softplus(c["delay"]),
    "erf": lambda c: tf.math.erf(c["delay"]),
    "lgamma": lambda c: tf.math.lgamma(c["fare"]),
    "softmax": _share,
    "layer_normalisation": _standardised_row,
    "batch_normalisation": lambda c: (
        (c["fare"] - tft.mean(c["fare"])) * tf.math.rsqrt(tft.var(c["fare"]) + 1e-3) * 0.7 + 0.1
    ),
    "sum_of_three": lambda c: c["fare"] + c["miles"] + c["delay"],
    "sum_of_logs": lambda c: tf.math.log1p(c["fare"]) + _log_miles(c) + _log_seconds(c),
    "ratio_of_logs": lambda c: tf.math.log1p(c["fare"]) / (1.0 + _log_miles(c)),
    "polynomial": lambda c: 0.3 * c["fare"] ** 3 - 1.7 * c["fare"] ** 2 + 0.1 * c["fare"] - 3.0,
    "embedding": _random_table,
    "half_precision_exp": lambda c: _float(tf.exp(tf.cast(c["delay"], tf.float16))),
    "bfloat16_log": lambda c: _float(tf.math.log1p(tf.cast(c["fare"], tf.bfloat16))),
    "rounded_log": lambda c: tf.cast(tf.round(10 * tf.math.log1p(c["fare"])), tf.int64),
    "floor_of_log": lambda c: tf.floor(10 * tf.math.log1p(c["fare"])),
    "rounded_log_float": lambda c: tf.round(10 * tf.math.log1p(c["fare"])),
    "one_hot_of_log": lambda c: tf.one_hot(tft.bucketize(_log_seconds(c), 10)[:, 0], 10),
    "buckets_fare": lambda c: tft.bucketize(c["fare"], 10),
    "buckets_of_log": lambda c: tft.bucketize(tf.math.log1p(c["fare"]), 10),
    "buckets_of_log_whole": lambda c: tft.bucketize(_log_seconds(c), 10),
    "buckets_edges_of_log": lambda c: tft.apply_buckets(tf.math.log1p(c["fare"]), tf.constant([LOG_EDGES])),
    "buckets_edges_of_exp": lambda c: tft.apply_buckets(tf.exp(c["latitude"] - 41.88), tf.constant([EXP_EDGES])),
    "buckets_of_sum": lambda c: tft.bucketize(c["fare"] + c["miles"] + c["delay"], 20),
    "vocabulary": lambda c: tft.compute_and_apply_vocabulary(c["company"], num_oov_buckets=1, vocab_filename="company"),
    "text": lambda c: c["company"],
    "hash": lambda c: tf.strings.to_hash_bucket_fast(c["company"], 50),
    "cross": _crossed,
    "flag": lambda c: tf.cast(c["miles"] < 0, tf.int64),
}
