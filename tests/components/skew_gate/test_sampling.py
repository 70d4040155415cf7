"""Which rows are compared in every layout: some drawn at random, and those that a draw may miss."""

import numpy as np
import pyarrow as pa
import pytest

from components.skew_gate import sampling
from components.skew_gate.coverage import smallest_share_found
from components.skew_gate.sampling import DRAWN_ROWS, SAMPLE_ROWS, STRATA_ROWS, Sample, Sampler
from components.skew_gate.strata import EDGES, EXTREMES, MISSING, RARE

ROWS = 40_000
LONE, FARE_GAP, LEAST, LARGEST, INFINITE = 17_003, 31_337, 4_711, 39_990, 12_345
BUCKETS = np.searchsorted([10.0, 20.0, 30.0], np.random.default_rng(1).uniform(0, 40, ROWS), side="right")


def make_columns() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fares from 0 to 40 without those of one row, companies of which one has one row, and scores."""
    fare = np.random.default_rng(1).uniform(0, 40, ROWS)
    company = np.array([b"a", b"b"], object)[np.arange(ROWS) % 2]
    company[LONE] = b"rare"
    score = np.random.default_rng(2).normal(0, 1, ROWS).astype(np.float32)
    score[[LEAST, LARGEST, INFINITE]] = -9, 9, np.inf
    return fare, company, score


FARE, COMPANY, SCORE = make_columns()


def choose(rows: int = ROWS, chunk: int = 8192) -> Sample:
    sampler = Sampler()
    for first in range(0, rows, chunk):
        part = slice(first, min(rows, first + chunk))
        fares = [None if row == FARE_GAP else [FARE[row]] for row in range(part.start, part.stop)]
        columns = [
            pa.array(fares, pa.large_list(pa.float32())),
            pa.array([[value] for value in COMPANY[part]], pa.large_list(pa.large_binary())),
            pa.nulls(len(fares)),
        ]
        raw = pa.RecordBatch.from_arrays(columns, ["fare", "company", "never"])
        sampler.add(raw, {"score": SCORE[part, None], "bucket": BUCKETS[part, None]})
    return sampler.choose()


@pytest.fixture(scope="module")
def sample() -> Sample:
    return choose()


def test_few_rows_are_all_in_it() -> None:
    everything = choose(SAMPLE_ROWS)
    assert everything.complete
    assert everything.rows.tolist() == list(range(SAMPLE_ROWS))
    assert len(choose(SAMPLE_ROWS + 1).drawn) == DRAWN_ROWS


def test_rows_are_drawn_evenly_whatever_the_chunks(sample: Sample) -> None:
    assert (sample.total, len(sample.drawn), sample.complete) == (ROWS, DRAWN_ROWS, False)
    assert len(np.unique(sample.drawn)) == DRAWN_ROWS
    assert np.histogram(sample.drawn, 4, (0, ROWS))[0].min() > DRAWN_ROWS / 4 * 0.8
    assert choose(chunk=1000).drawn.tolist() == sample.drawn.tolist(), "the same rows every time"


def test_what_a_draw_may_miss_is_in_it(sample: Sample) -> None:
    held = {name: set(rows.tolist()) for name, rows in sample.strata.items()}
    drawn = set(sample.drawn.tolist())
    assert FARE_GAP in held[MISSING] | drawn
    assert {LEAST, LARGEST, INFINITE, int(FARE.argmin())} <= held[EXTREMES] | held[EDGES] | drawn
    assert LONE in held[RARE] | drawn
    on_edges = set()
    for bucket in range(4):
        rows = np.flatnonzero(bucket == BUCKETS)
        on_edges |= {int(rows[FARE[rows].argmin()]), int(rows[FARE[rows].argmax()])}
    assert on_edges <= set(sample.rows.tolist())
    assert sum(map(len, held.values())) <= STRATA_ROWS
    assert set(sample.left_out.values()) == {0}


def test_each_column_of_a_wide_feature_is_looked_at() -> None:
    """One whose columns have no names: a score, a bucket, and a flag of one row."""
    flag = np.zeros(ROWS)
    flag[LONE] = 1
    sampler = Sampler()
    raw = pa.RecordBatch.from_arrays([pa.array([[fare] for fare in FARE], pa.large_list(pa.float32()))], ["fare"])
    numbers = np.stack([BUCKETS, flag.astype(np.int64)], axis=1)
    sampler.add(raw, {"scores": np.stack([np.zeros(ROWS, np.float32), SCORE], axis=1), "numbers": numbers})
    rows = set(sampler.choose().rows.tolist())
    assert {LEAST, LARGEST, INFINITE, LONE} <= rows
    for bucket in range(4):
        inside = np.flatnonzero(bucket == BUCKETS)
        assert {int(inside[FARE[inside].argmin()]), int(inside[FARE[inside].argmax()])} <= rows


def test_what_has_no_room_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "STRATA_ROWS", 4)
    sample = choose()
    assert sum(map(len, sample.strata.values())) == 4
    assert sum(sample.left_out.values()) > 0


def test_the_share_of_rows_that_a_draw_finds() -> None:
    assert smallest_share_found(DRAWN_ROWS) == pytest.approx(0.00492, abs=1e-5)
    assert (1 - smallest_share_found(DRAWN_ROWS)) ** DRAWN_ROWS == pytest.approx(0.001)
    assert smallest_share_found(0) == 1.0
