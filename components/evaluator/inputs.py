"""Labels, predictions and weights of a batch, with the values that TFMA's combiners get row by row."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_util
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import util

Extracts = dict[str, Any]  # TFMA's extracts of one batch; the first dimension of each value is the batch

_OF_A_METRIC = (constants.LABELS_KEY, constants.PREDICTIONS_KEY, constants.EXAMPLE_WEIGHTS_KEY)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Conversion:
    """The arguments that a combiner passes to TFMA's `metric_util.to_label_prediction_example_weight`."""

    model_name: str = ""
    output_name: str = ""
    sub_key: Any = None
    aggregation_type: Any = None
    class_weights: tuple[tuple[int, float], ...] = ()
    example_weighted: bool = False
    fractional_labels: bool = False
    flatten: bool = True
    allow_none: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pairs:
    """Labels with their predictions; a row may have none, one or several pairs."""

    rows: np.ndarray  # int64 [pairs]: position of the row in the batch, ascending
    labels: np.ndarray  # [pairs, labels]
    predictions: np.ndarray  # [pairs, outputs]
    weights: np.ndarray  # float64 [pairs]


class Batch:
    """One batch of extracts, whose pairs are made once for all combiners with the same conversion."""

    def __init__(self, extracts: Extracts, eval_config: config_pb2.EvalConfig):
        """Keep extracts that still have their batch dimension, and the config that names models and labels."""
        self.extracts = extracts
        self.size = int(util.batch_size({constants.INPUT_KEY: extracts[constants.INPUT_KEY]}))
        self._eval_config = eval_config
        self._pairs: dict[Conversion, Pairs] = {}
        self._single: list[Extracts] | None = None

    def pairs(self, conversion: Conversion) -> Pairs:
        """Pair labels with predictions: all rows at once if each has equally many numbers, else row by row with TFMA.

        Args:
            conversion: what the combiner asks for.

        Returns:
            The pairs of the batch.

        Raises:
            ValueError: TFMA cannot pair them.
        """
        if conversion not in self._pairs:
            found = self._pair_columns(conversion)
            self._pairs[conversion] = found if found is not None else self._pair_rows(conversion)
        return self._pairs[conversion]

    def single_rows(self) -> list[Extracts]:
        """Split labels, predictions and weights into the extracts of each row, as TFMA does."""
        if self._single is None:
            wanted = {key: self.extracts[key] for key in _OF_A_METRIC if key in self.extracts}
            empty: list[Extracts] = [dict.fromkeys(wanted) for _ in range(self.size)]
            self._single = util.split_extracts(wanted) or empty
        return self._single

    def column(self, key: str, conversion: Conversion) -> Any:
        """Return labels, predictions or weights, looked up by the names of label, model and output in TFMA's order."""
        value = self.extracts.get(key)
        names = (self._label_key(conversion),) if key == constants.LABELS_KEY else ()
        for name in (*names, conversion.model_name, conversion.output_name):
            if name and isinstance(value, Mapping) and name in value:
                value = value[name]
        return value

    def _label_key(self, conversion: Conversion) -> str:
        specs = self._eval_config.model_specs
        named = (spec for spec in specs if (spec.name if len(specs) > 1 else "") == conversion.model_name)
        return next((spec.label_key for spec in named), "")

    def _pair_columns(self, conversion: Conversion) -> Pairs | None:
        """Pair all rows at once; return None if labels, predictions or weights need TFMA's own conversion."""
        if conversion.sub_key is not None or conversion.class_weights:
            return None
        labels = _as_table(self.column(constants.LABELS_KEY, conversion), self.size)
        predictions = _as_table(self.column(constants.PREDICTIONS_KEY, conversion), self.size)
        weights = self._weights(conversion)
        if labels is None or predictions is None or weights is None:
            return None
        if conversion.flatten and not labels.shape[1] == predictions.shape[1] == 1:
            return None
        pairs = Pairs(rows=np.arange(self.size), labels=labels, predictions=predictions, weights=weights)
        return _split_fractions(pairs) if conversion.fractional_labels else pairs

    def _weights(self, conversion: Conversion) -> np.ndarray | None:
        given = self.column(constants.EXAMPLE_WEIGHTS_KEY, conversion) if conversion.example_weighted else None
        if given is None:
            return np.ones(self.size)
        weights = _as_table(given, self.size)
        return weights[:, 0].astype(np.float64) if weights is not None and weights.shape[1] == 1 else None

    def _pair_rows(self, conversion: Conversion) -> Pairs:
        arguments = {field.name: getattr(conversion, field.name) for field in dataclasses.fields(conversion)}
        arguments |= {"class_weights": dict(conversion.class_weights) or None, "eval_config": self._eval_config}
        found = [
            (number, *(np.atleast_1d(value) for value in triple))
            for number, row in enumerate(self.single_rows())
            for triple in metric_util.to_label_prediction_example_weight(
                metric_util.to_standard_metric_inputs(row), **arguments
            )
        ]
        if not found:
            nothing = np.empty((0, 1))
            return Pairs(rows=np.empty(0, np.int64), labels=nothing, predictions=nothing, weights=np.empty(0))
        rows, labels, predictions, weights = zip(*found, strict=True)
        if conversion.allow_none:  # If a row has no label, TFMA adds neither a label nor the prediction.
            predictions = tuple(p if len(one) else np.zeros(1) for one, p in zip(labels, predictions, strict=True))
            labels = tuple(one if len(one) else np.zeros(1) for one in labels)
        return Pairs(
            rows=np.array(rows),
            labels=np.stack(labels),
            predictions=np.stack(predictions),
            weights=np.array([weight.item() for weight in weights], dtype=np.float64),
        )


def _as_table(value: Any, size: int) -> np.ndarray | None:
    """Return numbers as [rows, values]; None for other types, and for different numbers of values in the rows."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "iufb" or len(value) != size or value.ndim > 2:
        return None
    table = value.reshape(size, -1) if size else None
    return table if table is not None and table.shape[1] else None


def _split_fractions(pairs: Pairs) -> Pairs | None:
    """Split each label between 0 and 1 into a negative and a positive pair that share its weight, as TFMA does."""
    labels = pairs.labels[:, 0].astype(np.float64)
    if not ((labels >= 0) & (labels <= 1)).all():
        return None  # TFMA's conversion by row raises its own error.
    shares = np.stack([pairs.weights * (1 - labels), pairs.weights * labels], axis=1).ravel()
    kept = np.flatnonzero(shares != 0)
    return Pairs(
        rows=pairs.rows[kept // 2],
        labels=(kept % 2)[:, None].astype(pairs.labels.dtype),
        predictions=pairs.predictions[kept // 2],
        weights=shares[kept],
    )
