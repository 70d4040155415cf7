"""Rounding excuses what the trained model makes of a rounded row, and nothing else that is served for such a row."""

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.skew_gate.served_skews import CHANGES, plant, serve, unsteady_rows
from components.candidate_serving.transports import TransportPredictions
from components.skew_gate.batch_path import BatchChunk
from components.skew_gate.bitwise import Arrays
from components.skew_gate.columns import Columns
from components.skew_gate.component import BATCH_SIZES
from components.skew_gate.model_probe import FILLED
from components.skew_gate.report import SkewReport

ROWS = 1000
RAW = np.array([b""] * ROWS, dtype=object)


def model(features: Arrays) -> np.ndarray:
    """Stands in for the trained model."""
    logits = 0.5 + 0.3 * features["score"] + 2.0 * (features["bucket"] == 2)
    return (1 / (1 + np.exp(-logits))).astype(np.float32)


def make_world() -> tuple[BatchChunk, Arrays]:
    """Every second row's score is rounded otherwise alone, and one row in fifty changes its bucket in batches of 7."""
    score = np.random.default_rng(0).normal(0, 1, (ROWS, 1)).astype(np.float32)
    own = {"score": score, "bucket": np.ones((ROWS, 1), np.int64)}
    rows = np.arange(ROWS)[:, None]
    layouts: dict[int | str, Arrays] = {size: dict(own) for size in (*BATCH_SIZES, FILLED)}
    layouts[1]["score"] = np.where(rows % 2 == 0, score + np.float32(5e-4), score)
    layouts[7]["bucket"] = np.where(rows % 50 == 0, 2, own["bucket"])
    exported = {f"transform_features/{size}/{name}": layouts[size][name] for size in layouts for name in own}
    for signature in ("serving_default", "serving_raw"):
        exported |= {f"{signature}/{size}": model(layouts[size]) for size in BATCH_SIZES}
    predictions = dict.fromkeys(BATCH_SIZES, model(own))
    return BatchChunk(features=own, predictions=predictions, predict=model), exported


WORLD = make_world()
ROUNDED, AT_EDGE = unsteady_rows(*WORLD)
SERVED = serve(WORLD[1], ROUNDED)
PLANTED = {
    f"{change}, {kind}: {name}": (name, exported, served)
    for change, function in CHANGES.items()
    for kind, rows in (("rounded", ROUNDED), ("at an edge", AT_EDGE))
    for name, exported, served in plant(function, rows, WORLD[1], serve(WORLD[1], rows))
}


def compare(exported: Arrays, served: TransportPredictions) -> SkewReport:
    result = SkewReport(batch_sizes=BATCH_SIZES)
    operations = {"score": ("Log",), "bucket": ("Log1p",)}
    result.add(WORLD[0], exported, RAW, served, columns=Columns.measure([WORLD[0]], operations, ()))
    return result


def test_what_rounding_makes_of_a_row_is_excused() -> None:
    found = compare(WORLD[1], SERVED)
    assert found.reasons() == []
    rounding = {c.name: (c.rounding.rows, c.rounding.at_edge) for c in found.comparisons("")}
    assert rounding["serving_raw, batch size 1"] == (500, 0)
    assert rounding["serving_raw, batch size 7"] == (0, 20)
    assert rounding["gRPC examples, batch size 1"][0] == 128


@pytest.mark.parametrize("planted", PLANTED)
def test_what_it_does_not_make_of_it_is_refused(planted: str) -> None:
    name, exported, served = PLANTED[planted]
    compared = [one for one in compare(exported, served).comparisons(f"{name}") if " against " not in one.name]
    assert compared
    assert [one.name for one in compared if not one.differences] == []


def test_a_batch_size_is_held_against_the_largest_too() -> None:
    """The same predictions as in training at the largest batch size, and others alone."""
    change: Callable[[np.ndarray], np.ndarray] = CHANGES["2.5e-4 more"]
    alone = WORLD[1] | {"serving_raw/1": change(WORLD[1]["serving_raw/1"])}
    differing = [one.name for one in compare(alone, SERVED).comparisons("") if one.differences]
    assert differing == ["serving_raw, batch size 1", "serving_raw, batch size 1 against 512"]


def test_a_shift_below_the_bound_is_seen_in_rows_that_layouts_excuse() -> None:
    """All rows are 10 steps off: less than a row may be, and more than rounding leaves on average."""
    exported = {
        name: values * np.float32(1 + 3e-6) if name.startswith("serving_raw") else values
        for name, values in WORLD[1].items()
    }
    differing = {one.name for one in compare(exported, SERVED).comparisons("") if one.differences}
    assert {f"serving_raw, batch size {size}" for size in BATCH_SIZES} <= differing
    assert not any(name.startswith("serving_default") for name in differing)
