"""What this run's data and model are compared with."""

import pytest
from tfx.types import artifact
from tfx.types.standard_artifacts import ExampleStatistics, Model, ModelBlessing

from components.artifacts import DataBlessing
from components.baselines import (
    CURRENT,
    DATA_BLESSING,
    MODEL,
    MODEL_BLESSING,
    STATISTICS,
    LatestAcceptedStatistics,
    LatestBlessedOtherModel,
)


def with_id(made: artifact.Artifact, number: int) -> artifact.Artifact:
    made.id = number
    return made


def resolve_statistics(
    statistics: list[int], blessings: dict[int, int], current: int = 99
) -> tuple[list[int], list[int]]:
    """Ids of the statistics and the blessing that are picked; `blessings` maps a blessing's id to its statistics'."""
    blessed = [with_id(DataBlessing(), number) for number in blessings]
    for blessing, accepted in zip(blessed, blessings.values(), strict=True):
        blessing.set_int_custom_property(DataBlessing.STATISTICS_ID, accepted)
    known = {
        STATISTICS: [with_id(ExampleStatistics(), number) for number in statistics],
        DATA_BLESSING: blessed,
        CURRENT: [with_id(ExampleStatistics(), current)],
    }
    picked = LatestAcceptedStatistics().resolve_artifacts(None, known)
    return [found.id for found in picked[STATISTICS]], [found.id for found in picked[DATA_BLESSING]]


@pytest.mark.parametrize(
    ("statistics", "blessings", "expected"),
    [
        ([], {}, ([], [])),
        ([1], {}, ([], [])),
        ([1, 3, 5], {2: 1, 4: 3, 6: 5}, ([5], [6])),
        ([5, 1, 3], {6: 5, 2: 1, 4: 3}, ([5], [6])),
        ([1, 3, 5], {2: 1, 4: 3}, ([3], [4])),
        ([1, 3], {2: 1, 4: 3, 6: 1}, ([1], [6])),
        ([1], {2: 1, 4: 3}, ([1], [2])),
    ],
    ids=[
        "empty store",
        "nothing accepted",
        "newest of all",
        "newest in any order",
        "refused data is no yardstick",
        "accepted again",
        "deleted statistics",
    ],
)
def test_accepted_statistics(
    statistics: list[int], blessings: dict[int, int], expected: tuple[list[int], list[int]]
) -> None:
    assert resolve_statistics(statistics, blessings) == expected


def test_data_is_not_compared_with_itself() -> None:
    assert resolve_statistics([1, 3], {2: 1, 4: 3}, current=3) == ([1], [2])
    assert resolve_statistics([3], {4: 3}, current=3) == ([], [])


def resolve_model(models: list[int], blessings: dict[int, tuple[int, int]], current: int) -> list[int]:
    """Id of the model that is picked; `blessings` maps a blessing's id to its model's and to 1 for yes, 0 for no."""
    verdicts = []
    for number, (model, blessed) in blessings.items():
        verdict = with_id(ModelBlessing(), number)
        verdict.set_int_custom_property("current_model_id", model)
        verdict.set_int_custom_property("blessed", blessed)
        verdicts.append(verdict)
    known = {
        MODEL: [with_id(Model(), number) for number in models],
        MODEL_BLESSING: verdicts,
        CURRENT: [with_id(Model(), current)],
    }
    return [found.id for found in LatestBlessedOtherModel().resolve_artifacts(None, known)[MODEL]]


@pytest.mark.parametrize(
    ("models", "blessings", "current", "expected"),
    [
        ([1], {}, 1, []),
        ([1], {2: (1, 1)}, 1, []),
        ([1, 3], {2: (1, 1)}, 3, [1]),
        ([1, 3, 5], {2: (1, 1), 4: (3, 0)}, 5, [1]),
        ([1, 3, 5], {2: (1, 1), 4: (3, 1), 6: (5, 1)}, 5, [3]),
        ([1, 3], {2: (1, 1), 4: (3, 1)}, 1, [3]),
    ],
    ids=["first run", "itself", "the one before", "refused models do not count", "unchanged run", "back to older code"],
)
def test_blessed_model(
    models: list[int], blessings: dict[int, tuple[int, int]], current: int, expected: list[int]
) -> None:
    assert resolve_model(models, blessings, current) == expected
