"""Where rounding ends and skew begins, number by number."""

import numpy as np
import pytest

from components.skew_gate.rounding import FEATURE_STEPS, STEP, Judgement, Scale, Shift, equal, judge

EQUAL, ROUNDED, MOVED, SKEWED = Judgement.EQUAL, Judgement.ROUNDED, Judgement.MOVED, Judgement.SKEWED
NAN, OTHER_NAN = np.array([0x7FC00000, 0x7FC00001], np.uint32).view(np.float32)
UNIT = Scale(spread=np.array([1.0]), centre=np.array([0.0]))


def column(*values: object, dtype: object = np.float32) -> np.ndarray:
    return np.array([[value] for value in values], dtype=dtype)


def rank(left: np.ndarray, right: np.ndarray, *layouts: np.ndarray, scale: Scale | None = UNIT) -> list[int]:
    return judge(left, right, [(left, layout) for layout in layouts], scale=scale, bound=FEATURE_STEPS).rank.tolist()


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (0.0, FEATURE_STEPS * STEP, ROUNDED),  # of the spread, which is 1
        (0.0, (FEATURE_STEPS + 1) * STEP, SKEWED),
        (1.0, 1.0 + 2**-18, ROUNDED),
        (1.0, 1.0 + 2**-17, SKEWED),
        (4096.0, 4096.0 + 2**-6, ROUNDED),  # of its own size
        (4096.0, 4096.0 + 2**-5, SKEWED),
        (0.0, -0.0, EQUAL),
        (NAN, OTHER_NAN, EQUAL),
        (NAN, 0.0, SKEWED),
        (0.0, NAN, SKEWED),
        (np.inf, np.inf, EQUAL),
        (np.inf, -np.inf, SKEWED),
        (3e38, np.inf, SKEWED),
    ],
)
def test_a_number_may_be_so_many_steps_off(left: float, right: float, expected: int) -> None:
    assert rank(column(left), column(right)) == [expected]


def test_without_spread_only_its_own_size_counts() -> None:
    constant = Scale(spread=np.array([0.0]), centre=np.array([0.0]))
    assert rank(column(0.0, 1e-3), column(1e-9, 1e-3 + 1e-9), scale=constant) == [SKEWED, ROUNDED]


@pytest.mark.parametrize(
    ("left", "right", "expected", "distance"),
    [
        (column(7, 7, dtype=np.int64), column(7, 9, dtype=np.int64), [EQUAL, SKEWED], 2),
        (column(b"a", b"b", dtype=object), column(b"a", b"c", dtype=object), [EQUAL, SKEWED], 1),
        (column(b"a", dtype=object), column(b"a\0", dtype=object), [SKEWED], 1),
        (column(1.0, NAN), column(np.nextafter(np.float32(1), np.float32(2)), NAN), [SKEWED, EQUAL], 2**-23),
        (column(0.0), column(-0.0), [SKEWED], 0),
        (column(NAN), column(OTHER_NAN), [SKEWED], 0),
        (np.float32([[1, 2, 3]]), np.float32([[1, 5, 4]]), [SKEWED], 3),
        (np.zeros((2, 0), np.float32), np.zeros((2, 0), np.float32), [EQUAL, EQUAL], 0),
    ],
    ids=["int", "string", "NUL", "float", "sign of zero", "bits of NaN", "wide", "none"],
)
def test_without_a_scale_every_bit_counts(
    left: np.ndarray, right: np.ndarray, expected: list[int], distance: float
) -> None:
    found = judge(left, right, (), scale=None, bound=0)
    assert found.rank.tolist() == expected
    assert found.distance.max() == distance


def test_what_another_layout_gives_is_rounding_or_an_edge() -> None:
    """An ill-conditioned number, a bucket, and a string; no layout gives what is expected in the last row."""
    steps = 500 * STEP
    assert rank(column(1.0, 1.0), column(1 + steps, 1 + steps), column(1.0, 1 + 2 * steps)) == [ROUNDED, SKEWED]
    for dtype, one, other, third in ((np.int64, 1, 2, 3), (object, b"a", b"b", b"c")):
        left, right, layout = (column(*cells, dtype=dtype) for cells in ((one, one), (other, other), (one, third)))
        found = judge(left, right, [(left, layout)], scale=None, bound=0, jumps=np.array([True, True]))
        assert found.rank.tolist() == [MOVED, SKEWED]
        assert rank(left, right, layout, scale=None) == [SKEWED, SKEWED], "only where rounding is there to jump"


def test_more_than_a_thousandth_is_a_jump() -> None:
    left, right = column(1.0, 1.0), column(1.002, 1.002)
    found = judge(left, right, [(left, left)], scale=UNIT, bound=FEATURE_STEPS, jumps=np.array([True, False]))
    assert found.rank.tolist() == [MOVED, SKEWED]
    found = judge(left, right, [(left, left)], scale=UNIT, bound=FEATURE_STEPS, largest=2**-6)
    assert found.rank.tolist() == [ROUNDED, ROUNDED]


def test_layouts_excuse_only_rows_whose_features_are_unsteady() -> None:
    left, right = column(1.0, 1.0), column(1.0001, 1.0001)
    found = judge(left, right, [(left, left)], scale=UNIT, bound=FEATURE_STEPS, unsteady=np.array([True, False]))
    assert found.rank.tolist() == [ROUNDED, SKEWED]
    assert found.rest.tolist() == [[0.0], [pytest.approx(-1e-4 / STEP, rel=1e-2)]]


def test_the_worst_element_decides_for_a_row() -> None:
    found = judge(np.float32([[1, 2]]), np.float32([[1, 2.5]]), (), scale=UNIT, bound=FEATURE_STEPS)
    assert (found.rank.tolist(), found.distance.tolist()) == ([SKEWED], [0.5])


def test_spread_is_that_of_ordinary_rows() -> None:
    """With the plain standard deviation a difference of 50 would be 32 steps in a column with one value of 1e9."""
    rows = np.random.default_rng(0).normal(10, 3, (5000, 1)).astype(np.float32)
    scale = Scale.measure(rows)
    rows[7] = 1e9
    outlier = Scale.measure(rows)
    assert scale is not None
    assert outlier is not None
    assert scale.spread[0] == pytest.approx(3, rel=0.05)
    assert outlier.spread[0] == pytest.approx(3, rel=0.05)
    assert outlier.centre[0] == pytest.approx(10, rel=0.01)


def test_spread_leaves_out_what_is_no_number() -> None:
    scale = Scale.measure(np.float32([[1, NAN], [NAN, NAN], [3, np.inf]]))
    assert scale is not None
    assert scale.centre.tolist() == [2, 0]
    assert scale.spread[1] == 0
    assert Scale.measure(np.array([[1]])) is None
    assert Scale.measure(np.array([[b"a"]], object)) is None


def drift(steps: np.ndarray) -> Shift:
    values = np.random.default_rng(0).normal(0, 1, (len(steps), 1))
    shift = Shift()
    half = len(steps) // 2
    for rows in (slice(None, half), slice(half, None)):
        shift.add(values[rows], steps[rows, None], UNIT)
    return shift


def test_rows_that_differ_in_one_direction() -> None:
    rounding = np.random.default_rng(1).uniform(-20, 20, 2000)
    assert abs(drift(rounding).steps) < drift(rounding).limit
    assert drift(rounding + 6).steps == pytest.approx(6, abs=0.5)
    assert drift(rounding + 6).steps > drift(rounding + 6).limit == pytest.approx(4.7, abs=0.1)
    assert Shift().steps == 0


def test_rows_that_differ_away_from_the_middle() -> None:
    values = np.random.default_rng(0).normal(0, 1, (2000, 1))
    stretch = Shift()
    stretch.add(values, 6.0 * np.sign(values), UNIT)
    assert stretch.steps == pytest.approx(6, abs=0.01)


def test_equal() -> None:
    assert equal(column(0.0, NAN, 1.0), column(-0.0, OTHER_NAN, 2.0)).ravel().tolist() == [True, True, False]


def test_a_probability_is_as_exact_as_its_logit() -> None:
    """float32's step at a logit of -46 is 3.8e-6, which is 32 steps of the probability 1e-20."""
    rare = np.float32([[1e-20]] * 3)
    other = np.float32([[1e-20 * (1 + 1e-4)], [1e-20 * (1 + 1e-3)], [1e-20]])
    scale = Scale.measure(rare)
    assert scale is not None
    probability = scale.of_predictions(rare)
    assert judge(rare, other, (), scale=probability, bound=64).rank.tolist() == [ROUNDED, SKEWED, EQUAL]
    assert judge(rare, other, (), scale=scale, bound=64).rank.tolist() == [SKEWED, SKEWED, EQUAL]
    amounts = scale.of_predictions(np.float32([[0.5], [1.5]]))
    assert judge(rare, other, (), scale=amounts, bound=64).rank.tolist() == [SKEWED, SKEWED, EQUAL]
