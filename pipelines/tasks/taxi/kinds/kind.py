"""Define what a kind of feature has: its fields, its type and shape, its computation, and its form in a model."""

import abc
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar, Self

import tensorflow as tf

from pipelines.tasks.taxi.columns import Columns

Transformed = dict[str, tf.Tensor]  # by feature name
VocabularySize = Callable[[str], int]  # feature name -> strings in its vocabulary


class FeatureError(ValueError):
    """The record of a feature does not fit its computation, or two records have one name."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Feature(abc.ABC):
    """One transformed feature. Each kind is a subclass of Number or of Category."""

    name: str  # of the transformed feature
    dtype: ClassVar[str]
    has_vocabulary: ClassVar[bool] = False  # whether it has a vocabulary file, which has the feature's name

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one row; the tensor is [batch, *shape]."""
        return (1,)

    @property
    def parts(self) -> tuple["Feature", ...]:
        """The features that this one is computed from, if any."""
        return ()

    @property
    @abc.abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The raw columns that the feature reads."""

    @classmethod
    @abc.abstractmethod
    def compute(cls, features: Sequence[Self], columns: Columns, made: Mapping[str, tf.Tensor]) -> Transformed:
        """Compute all features of this kind at once, because each analyzer costs a pass over the data.

        Args:
            features: one or more features of this kind.
            columns: the raw columns.
            made: the parts of these features by name.

        Returns:
            Tensor of each feature by its name, with the type and shape of its record.
        """


class Number(Feature):
    """A feature that enters a model as numbers."""

    dtype = "float32"


class Category(Feature):
    """A feature that enters a model as an id: a row in a table of weights or of embeddings."""

    dtype = "int64"
    ordered: ClassVar[bool] = False  # whether neighbouring ids have similar meanings, so that ids can serve as numbers

    @abc.abstractmethod
    def count_ids(self, vocabulary_size: VocabularySize) -> int:
        """Return the number of ids, which are 0 up to this number less 1."""


def compute_features(features: Sequence[Feature], columns: Columns) -> Transformed:
    """Compute features, each after its parts.

    Args:
        features: the features to compute.
        columns: the raw columns.

    Returns:
        Tensor of each feature by its name, in the order of `features`.

    Raises:
        FeatureError: A computation does not return what the record describes, or two records have the same name.
    """
    made: Transformed = {}
    remaining = dict.fromkeys(each for feature in features for each in _with_parts(feature))
    _require_names(remaining)
    while remaining:
        ready = [feature for feature in remaining if all(part.name in made for part in feature.parts)]
        for kind in dict.fromkeys(type(feature) for feature in ready):
            found = [feature for feature in ready if type(feature) is kind]
            computed = kind.compute(found, columns, made)
            _require_as_recorded(found, computed)
            made |= computed
        remaining = dict.fromkeys(feature for feature in remaining if feature not in ready)
    return {feature.name: made[feature.name] for feature in features}


def stack(columns: Sequence[tf.Tensor]) -> tf.Tensor:
    """Concatenate tensors: [batch, 1] each -> [batch, columns]."""
    return tf.concat(columns, axis=1)


def by_name(features: Sequence[Feature], stacked: tf.Tensor) -> Transformed:
    """Split what `stack` concatenated: [batch, features] -> [batch, 1] each, by the feature's name."""
    return dict(zip((each.name for each in features), tf.split(stacked, len(features), axis=1), strict=True))


def _with_parts(feature: Feature) -> list[Feature]:
    return [feature, *(each for part in feature.parts for each in _with_parts(part))]


def _require_names(features: Iterable[Feature]) -> None:
    seen: dict[str, Feature] = {}
    for feature in features:
        if (other := seen.setdefault(feature.name, feature)) is not feature:
            raise FeatureError(
                f"feature {feature.name}: expected one record of this name, received two: a {type(other).__name__} of "
                f"{', '.join(other.columns)} and a {type(feature).__name__} of {', '.join(feature.columns)}; rename one"
            )


def _require_as_recorded(features: Sequence[Feature], computed: Transformed) -> None:
    for feature in features:
        if feature.name not in computed:
            raise FeatureError(
                f"{type(feature).__name__}.compute returned no {feature.name}: expected each feature that it was "
                f"passed, received {', '.join(sorted(computed)) or 'none'}; return it under its name"
            )
        tensor = computed[feature.name]
        if tensor.dtype.name != feature.dtype:
            raise FeatureError(
                f"feature {feature.name}: expected {feature.dtype}, received {tensor.dtype.name} from "
                f"{type(feature).__name__}.compute; cast it there: tf.cast(…, tf.{feature.dtype})"
            )
        if not tensor.shape.is_compatible_with([None, *feature.shape]):
            raise FeatureError(
                f"feature {feature.name}: expected [batch, {', '.join(map(str, feature.shape))}], received "
                f"{tensor.shape} from {type(feature).__name__}.compute; correct the computation, or the record's shape"
            )
