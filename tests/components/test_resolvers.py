"""What this run's data and model are compared with."""

from pathlib import Path

import pytest
from tfx.types import artifact
from tfx.types.standard_artifacts import ExampleStatistics, InfraBlessing, Model, ModelBlessing

from components.artifacts import INFRA_BLESSING_MODEL_ID, DataBlessing
from components.resolvers import (
    CURRENT,
    DATA_BLESSING,
    INFRA_BLESSING,
    MODEL,
    MODEL_BLESSING,
    STATISTICS,
    LatestAcceptedStatistics,
    LatestBlessedOtherModel,
    PreviousSpanStatistics,
)


def with_id(made: artifact.Artifact, number: int) -> artifact.Artifact:
    made.id = number
    made.uri = str(Path(__file__).parent)  # any folder that is there
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


def test_statistics_whose_folder_is_gone_are_no_yardstick(tmp_path: Path) -> None:
    blessing = with_id(DataBlessing(), 2)
    blessing.set_int_custom_property(DataBlessing.STATISTICS_ID, 1)
    gone = with_id(ExampleStatistics(), 1)
    gone.uri = str(tmp_path / "gone")
    known = {STATISTICS: [gone], DATA_BLESSING: [blessing], CURRENT: [with_id(ExampleStatistics(), 3)]}
    assert LatestAcceptedStatistics().resolve_artifacts(None, known)[STATISTICS] == []


def test_statistics_of_spans_are_no_yardstick_for_those_of_files() -> None:
    of_files, of_spans, current = (with_id(ExampleStatistics(), number) for number in (1, 3, 5))
    of_spans.span = 16071
    blessings = [with_id(DataBlessing(), number) for number in (2, 4)]
    for blessing, accepted in zip(blessings, (1, 3), strict=True):
        blessing.set_int_custom_property(DataBlessing.STATISTICS_ID, accepted)
    known = {STATISTICS: [of_files, of_spans], DATA_BLESSING: blessings, CURRENT: [current]}
    picked = LatestAcceptedStatistics().resolve_artifacts(None, known)
    assert [found.id for found in picked[STATISTICS]] == [1]


def verdict(made: artifact.Artifact, number: int, property_name: str, model: int, blessed: int) -> artifact.Artifact:
    made.set_int_custom_property(property_name, model)
    made.set_int_custom_property("blessed", blessed)
    return with_id(made, number)


def resolve_model(
    models: list[int], blessings: dict[int, tuple[int, int]], current: int | None, skewed: tuple[int, ...] = ()
) -> list[int]:
    """Id of the model that is picked.

    `blessings` maps the id of the Evaluator's blessing to its model's and to 1 for yes, 0 for no; SkewGate refused the
    `skewed` ones.
    """
    known = {
        MODEL: [with_id(Model(), number) for number in models],
        MODEL_BLESSING: [
            verdict(ModelBlessing(), number, "current_model_id", model, blessed)
            for number, (model, blessed) in blessings.items()
        ],
        INFRA_BLESSING: [
            verdict(InfraBlessing(), 100 + model, INFRA_BLESSING_MODEL_ID, model, int(model not in skewed))
            for model in models
        ],
    }
    if current is not None:
        known[CURRENT] = [with_id(Model(), current)]
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
        ([1, 3, 5], {2: (1, 1), 4: (3, 1), 6: (1, 1)}, 5, [1]),
        ([1, 3], {2: (1, 1), 4: (3, 1)}, None, [3]),
    ],
    ids=[
        "first run",
        "itself",
        "the one before",
        "refused models do not count",
        "unchanged run",
        "back to older code",
        "blessed again",
        "warm start",
    ],
)
def test_blessed_model(
    models: list[int], blessings: dict[int, tuple[int, int]], current: int | None, expected: list[int]
) -> None:
    assert resolve_model(models, blessings, current) == expected


def test_a_skewed_model_is_no_yardstick() -> None:
    assert resolve_model([1, 3], {2: (1, 1), 4: (3, 1)}, None, skewed=(3,)) == [1]


@pytest.mark.parametrize(
    ("spans", "blessings", "current", "expected"),
    [
        ({}, {}, 10, []),
        ({1: 5, 2: 7}, {3: 1, 4: 2}, 10, [2]),
        ({1: 5, 2: 7}, {3: 2, 4: 1}, 10, [2]),  # the span before, whenever it was ingested
        ({1: 5, 2: 7}, {3: 1, 4: 2}, 7, [1]),  # not another version of itself
        ({1: 5, 2: 7}, {3: 1, 4: 2}, 6, [1]),  # nor a later one
        ({1: 5, 2: 7}, {3: 1, 4: 2}, 5, []),
        ({1: 5, 2: 7}, {3: 1}, 10, [1]),  # refused spans are no yardstick
        ({1: 5, 2: 5}, {3: 1, 4: 2}, 6, [2]),  # the version that was accepted last
        ({1: 5, 2: 5}, {3: 2, 4: 1}, 6, [1]),
    ],
)
def test_a_span_is_compared_with_the_accepted_span_before_it(
    spans: dict[int, int], blessings: dict[int, int], current: int, expected: list[int]
) -> None:
    def of_span(number: int, span: int) -> artifact.Artifact:
        made = with_id(ExampleStatistics(), number)
        made.span = span
        return made

    blessed = [with_id(DataBlessing(), number) for number in blessings]
    for blessing, accepted in zip(blessed, blessings.values(), strict=True):
        blessing.set_int_custom_property(DataBlessing.STATISTICS_ID, accepted)
    picked = PreviousSpanStatistics().resolve_artifacts(
        None,
        {
            STATISTICS: [of_span(number, span) for number, span in spans.items()],
            DATA_BLESSING: blessed,
            CURRENT: [of_span(99, current)],
        },
    )
    assert [found.id for found in picked[STATISTICS]] == expected
