"""What a kind of feature has to say: its fields, its type and shape, how it is computed, how it enters a model."""

import abc
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar, Self

import tensorflow as tf

from pipelines.tasks.taxi.columns import Columns

Transformed = dict[str, tf.Tensor]  # by feature name
VocabularySize = Callable[[str], int]  # feature name -> strings in its vocabulary


class FeatureError(ValueError):
    """A record of a feature and its computation do not fit together."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Feature(abc.ABC):
    """One transformed feature. A kind is a subclass of Number or of Category."""

    name: str  # of the transformed feature
    dtype: ClassVar[str]
    has_vocabulary: ClassVar[bool] = False  # a vocabulary file of the feature's name, with strings of its one column

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one row: its tensor is [batch, *shape]."""
        return (1,)

    @property
    def parts(self) -> tuple["Feature", ...]:
        """The features that this one is computed of, if any."""
        return ()

    @property
    @abc.abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The raw columns that it reads."""

    @classmethod
    @abc.abstractmethod
    def compute(cls, features: Sequence[Self], columns: Columns, made: Mapping[str, tf.Tensor]) -> Transformed:
        """Compute all features of this kind at once: an analyzer costs a pass over the data.

        Args:
            features: of this kind, one or more.
            columns: the raw columns.
            made: the parts of these features, by name.

        Returns:
            By name of each feature, its type and shape as the record says.
        """


class Number(Feature):
    """Enters a model as the numbers that it is."""

    dtype = "float32"


class Category(Feature):
    """Enters a model as an id: a row in a table of weights or of embeddings."""

    dtype = "int64"
    ordered: ClassVar[bool] = False  # Neighbouring ids mean much the same, so that a model may take ids for numbers.

    @abc.abstractmethod
    def count_ids(self, vocabulary_size: VocabularySize) -> int:
        """Return how many ids there are: every id is 0 or more, and less than this."""


def compute_features(features: Sequence[Feature], columns: Columns) -> Transformed:
    """Compute features, the parts of a feature before it.

    Args:
        features: what is wanted.
        columns: the raw columns.

    Returns:
        By name, in their order.

    Raises:
        FeatureError: A computation does not give what the record says, or two records have the same name.
    """
    made: Transformed = {}
    waiting = dict.fromkeys(each for feature in features for each in _with_parts(feature))
    _require_names(waiting)
    while waiting:
        ready = [feature for feature in waiting if all(part.name in made for part in feature.parts)]
        for kind in dict.fromkeys(type(feature) for feature in ready):
            found = [feature for feature in ready if type(feature) is kind]
            computed = kind.compute(found, columns, made)
            _require_as_recorded(found, computed)
            made |= computed
        waiting = dict.fromkeys(feature for feature in waiting if feature not in ready)
    return {feature.name: made[feature.name] for feature in features}


def stack(columns: Sequence[tf.Tensor]) -> tf.Tensor:
    """Put tensors side by side: [batch, 1] each -> [batch, columns]."""
    return tf.concat(columns, axis=1)


def by_name(features: Sequence[Feature], stacked: tf.Tensor) -> Transformed:
    """Take apart what `stack` put together: [batch, features] -> [batch, 1] each."""
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
                f"{type(feature).__name__}.compute gave no {feature.name}: expected each feature that it was asked "
                f"for, received {', '.join(sorted(computed)) or 'none'}; return it under its name"
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
