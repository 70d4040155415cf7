"""Export a trained model as a SavedModel with the Transform graph and all its signatures."""

import functools
import json
import math
import os
import re

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.saved.saved_transform_io_v2 import SavedModelLoader
from tensorflow_transform.tf_metadata import schema_utils
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.utils import io_utils

from components.artifact_files import local_folder
from components.missing_rule import MissingRule
from components.signatures import (
    INTERVAL,
    PREDICTIONS,
    SERVING_DEFAULT,
    SERVING_RAW,
    TRAINED_MODEL_FILE,
    TRANSFORM_FEATURES,
)
from pipelines.modeling.prediction_interval import PredictionInterval
from serving.contract import SERVING_ENVIRONMENT
from serving.contract.domains import known_strings, number_range

_CONTRACT_FILE = "schema.pbtxt"  # in the model's assets.extra; clients read types and the missing rule from it

# Without AutoGraph: no Python control flow here depends on tensors, and AutoGraph takes several seconds per model to
# rewrite the Transform layer and Keras.
_traced = functools.partial(tf.function, autograph=False)

FeatureSpec = dict[str, tf.io.FixedLenFeature | tf.io.VarLenFeature]


class ExportError(ValueError):
    """The model cannot be exported with the contract's features."""


def export_model(model: keras.Model, fn_args: FnArgs, *, interval: PredictionInterval | None = None) -> None:
    """Write the SavedModel to serve, and the trained Keras model for SkewGate and scientists; both in float32.

    Args:
        model: functional; maps a dict of transformed features [batch, n] to float32 [batch, outputs].
        fn_args: of the Trainer; hold the paths of the contract, the Transform graph and the outputs.
        interval: for a regression, around its value; None: no interval.

    Raises:
        ExportError: A raw feature is not a single value, or the spelling of a missing value is an allowed value.
    """
    model = in_float32(model)
    schema = io_utils.SchemaReader().read(fn_args.schema_path)
    served = ServedModel(model, tft.TFTransformOutput(fn_args.transform_output), schema, interval)
    tf.saved_model.save(served, fn_args.serving_model_dir, signatures=served.signatures())
    io_utils.write_pbtxt_file(os.path.join(fn_args.serving_model_dir, "assets.extra", _CONTRACT_FILE), schema)
    with local_folder(fn_args.model_run_dir) as folder:  # Which file systems Keras can write to depends on its version.
        model.save(folder / TRAINED_MODEL_FILE)


class ServedModel(tf.Module):
    """A trained model behind the Transform graph, with its signatures."""

    def __init__(
        self,
        model: keras.Model,
        transform: tft.TFTransformOutput,
        schema: schema_pb2.Schema,
        interval: PredictionInterval | None = None,
    ):
        super().__init__()
        self.model = model
        self._interval = interval
        # For warm starts, and for TensorFlow Serving, which restores a SavedModel into a session. Of each Keras
        # variable it would restore a copy that no signature reads. The TensorFlow variable inside is restored itself.
        self.weights_by_path = {weight.path: weight.value for weight in model.weights}
        # Not TFT's Keras layer: saving a layer traces functions that nothing calls, two thirds of an export's time.
        # As that layer does, keep references to what the loader holds: the vocabularies.
        loader = SavedModelLoader(transform.transform_savedmodel_dir)
        self._transform_graph = dict(vars(loader))
        self._transform_layer = loader.apply_transform_model
        self._rule = MissingRule.from_schema(schema)
        self._row_spec = feature_spec(schema)
        self._request_spec = feature_spec(schema, SERVING_ENVIRONMENT)
        self._schema = schema
        self._contract = {feature.name: feature for feature in schema.feature}
        self._inputs = [tensor.name for tensor in model.inputs]

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """Return the three traced signatures by name, and a fourth if there is an interval.

        The functions are not attributes of this module, because saving would trace attributes a second time.
        """
        examples = tf.TensorSpec([None], tf.string, name="examples")
        plain = {name: tf.TensorSpec([None], spec.dtype, name=name) for name, spec in self._request_spec.items()}
        for name in plain:
            self._require_one_value(name)
            self._require_missing_outside_domain(name)
        found = {
            SERVING_DEFAULT: _traced(self.serving_default).get_concrete_function(examples),
            SERVING_RAW: _traced(self.serving_raw).get_concrete_function(**plain),
            TRANSFORM_FEATURES: _traced(self.transform_features).get_concrete_function(examples),
        }
        if self._interval:
            values = tf.TensorSpec([None], tf.float32, name=PREDICTIONS)
            found[INTERVAL] = _traced(self.interval).get_concrete_function(values)
        return found

    def serving_default(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Predict from serialized tf.Examples without the label: string [batch] -> float32 [batch, outputs]."""
        return self._predict(tf.io.parse_example(examples, self._request_spec))

    def serving_raw(self, **features: tf.Tensor) -> dict[str, tf.Tensor]:
        """Predict from one tensor [batch] per raw feature, missing values spelled out -> float32 [batch, outputs]."""
        return self._predict({name: self._as_parsed(name, values) for name, values in features.items()})

    def transform_features(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Transform serialized tf.Examples, string [batch] -> all features and the label, each [batch, n]."""
        return self._transform_layer(tf.io.parse_example(examples, self._row_spec))

    def interval(self, predictions: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the interval around a regression's values, float32 [batch]: low, high and level, float32 [batch]."""
        assert self._interval
        return {
            "low": predictions - self._interval.half_width,
            "high": predictions + self._interval.half_width,
            "level": tf.fill(tf.shape(predictions), tf.constant(self._interval.level, tf.float32)),
        }

    def _predict(self, raw: dict[str, tf.Tensor | tf.SparseTensor]) -> dict[str, tf.Tensor]:
        transformed = self._transform_layer(raw)
        features = {name: transformed[name] for name in self._inputs}
        return {PREDICTIONS: self.model(features, training=False)}

    def _as_parsed(self, name: str, values: tf.Tensor) -> tf.Tensor | tf.SparseTensor:
        """Return the tensor that tf.io.parse_example makes of the same values."""
        present = values != tf.constant(self._rule.value_for(values.dtype), values.dtype)
        if isinstance(self._request_spec[name], tf.io.FixedLenFeature):
            # tf.debugging would build a branch for each feature, which takes half of the export with 450 features.
            message = f"{name} is required, and was sent as missing"
            required = tf.raw_ops.Assert(condition=tf.reduce_all(present), data=[message])
            with tf.control_dependencies([required]):
                return tf.expand_dims(values, axis=1)
        rows = tf.where(present)
        width = tf.cast(tf.reduce_any(present), tf.int64)
        shape = tf.stack([tf.size(values, out_type=tf.int64), width])
        return tf.SparseTensor(tf.pad(rows, [[0, 0], [0, 1]]), tf.gather_nd(values, rows), shape)

    def _require_one_value(self, name: str) -> None:
        feature, spec = self._contract[name], self._request_spec[name]
        one = spec.shape == [1] if isinstance(spec, tf.io.FixedLenFeature) else feature.value_count.max == 1
        if not one:
            raise ExportError(
                f"serving_raw takes one plain value per feature, and the contract does not say that {name} has one: "
                "give it shape { dim { size: 1 } } if every row has it, else value_count { min: 1 max: 1 }."
            )

    def _require_missing_outside_domain(self, name: str) -> None:
        """Check that the spelling of a missing value is not a value that the feature's domain allows."""
        feature = self._contract[name]
        if feature.type == schema_pb2.BYTES:
            tag, spelling = "missing_string", repr(self._rule.string)
            taken = self._rule.string in known_strings(feature, self._schema)
        else:
            tag, spelling = "missing_number", str(self._rule.number)
            low, high = number_range(feature) or (math.inf, -math.inf)
            taken = low <= self._rule.number <= high
        if taken:
            raise ExportError(
                f"serving_raw spells a missing value {spelling}, which the contract allows as a value of {name}: "
                f"narrow its domain, or change the tag {tag}."
            )


def in_float32(model: keras.Model) -> keras.Model:
    """Return the model with the same weights, computing only in float32; the model itself if it already does.

    Mixed precision makes training fast on a GPU. A server may have no GPU, and predictions must not depend on it.
    """
    config = model.to_json()
    plain = re.sub('"mixed_b?float16"', '"float32"', config)
    if plain == config:
        return model
    uncompiled = json.loads(plain) | {"compile_config": None}
    rebuilt = keras.saving.deserialize_keras_object(uncompiled)
    rebuilt.set_weights(model.get_weights())
    return rebuilt


def feature_spec(schema: schema_pb2.Schema, environment: str | None = None) -> FeatureSpec:
    """Return how to parse a row of the contract; with an environment, only the features in it.

    A required feature of fixed shape is parsed as a dense tensor, [batch, 1]; others as a SparseTensor.
    """
    kept = schema_pb2.Schema()
    kept.CopyFrom(schema)
    del kept.feature[:]
    kept.feature.extend(
        feature for feature in schema.feature if environment is None or environment not in feature.not_in_environment
    )
    return schema_utils.schema_as_feature_spec(kept).feature_spec
