"""What is compared in full, what by sample, and what is asked for again; the models are functions."""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from components.candidate_serving.transports import TransportPredictions
from components.skew_gate import path_comparison
from components.skew_gate.batch_path import BatchChunk
from components.skew_gate.bitwise import Arrays
from components.skew_gate.model_probe import FILLED
from components.skew_gate.path_comparison import PathComparison
from components.skew_gate.report import SkewReport
from components.skew_gate.sampling import DRAWN_ROWS, SAMPLE_ROWS
from tests.handmade import to_example

SIZES = (1, 7, 512)
ROWS, CHUNK = 12_000, 4_096
RAW = np.array([to_example({"row": row}) for row in range(ROWS)], dtype=object)
X = np.random.default_rng(0).normal(0, 1, (ROWS, 1)).astype(np.float32)
OPERATIONS = {"x": ("Log1p",), "bucket": ("Log1p",)}
TRANSPORTS = ("REST rows", "REST columns", "gRPC examples", "gRPC columns")
Layout = int | str


def predict(features: Arrays) -> np.ndarray:
    """The trained model: 0.001 more in every bucket."""
    return (1 / (1 + np.exp(-features["x"])) + 0.001 * features["bucket"]).astype(np.float32)


def honest(rows: np.ndarray, layout: Layout) -> Arrays:
    """The features of some rows, in any layout."""
    return {"x": X[rows], "bucket": (X[rows] > 0).astype(np.int64)}


Features = Callable[[np.ndarray, Layout], Arrays]


@dataclasses.dataclass
class Paths:
    """Every path of the same rows; the exported model may have other features, the server other predictions."""

    exported: Features = honest
    predict_exported: Callable[[Arrays, np.ndarray, Layout], np.ndarray] = lambda features, rows, layout: predict(
        features
    )
    serve: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda predictions, rows: predictions
    batch_order: np.ndarray = dataclasses.field(default_factory=lambda: np.arange(ROWS))
    asked: list[np.ndarray] = dataclasses.field(default_factory=list)
    served: list[np.ndarray] = dataclasses.field(default_factory=list)

    def features(self) -> Iterator[Arrays]:
        return (honest(self.batch_order[first : first + CHUNK], 512) for first in range(0, ROWS, CHUNK))

    def chunks(self) -> Iterator[BatchChunk]:
        for features in self.features():
            yield BatchChunk(features=features, predictions={512: predict(features)}, predict=predict)

    def predict(self, features: Arrays) -> np.ndarray:
        return predict(features)

    def at_all_sizes(self, chunk: BatchChunk) -> BatchChunk:
        return dataclasses.replace(
            chunk, predictions=dict.fromkeys((1, 7), predict(chunk.features)) | chunk.predictions
        )

    def read_chunk(self, index: int) -> Arrays:
        return self._outputs(np.arange(ROWS)[index * CHUNK : (index + 1) * CHUNK], [512])

    def ask(self, serialized: np.ndarray) -> int:
        self.asked.append(np.array([place[record] for record in serialized]))
        return len(self.asked) - 1

    def read_answer(self, index: int, rows: int) -> Arrays:
        assert rows == len(self.asked[index])
        return self._outputs(self.asked[index], [1, 7, FILLED])

    def _outputs(self, rows: np.ndarray, layouts: list[Layout]) -> Arrays:
        outputs = {}
        for layout in layouts:
            features = self.exported(rows, layout)
            outputs |= {f"transform_features/{layout}/{name}": values for name, values in features.items()}
            predictions = self.predict_exported(features, rows, layout)
            outputs |= {f"{name}/{layout}": predictions for name in ("serving_default", "serving_raw")}
        return outputs


place = {record: row for row, record in enumerate(RAW)}


class Server:
    """Predicts what the exported model does in large batches, but for `serve`."""

    def __init__(self, paths: Paths):
        self._paths = paths

    def predict(self, serialized: np.ndarray, batch_size: int, singly: np.ndarray) -> TransportPredictions:
        rows = np.array([place[record] for record in serialized])
        self._paths.served.append(rows)
        sent = self._paths.serve(predict(self._paths.exported(rows, 512)), rows)
        sample = singly[:3].tolist()
        seconds = dict.fromkeys(TRANSPORTS, [0.001] * 3)
        single = dict.fromkeys(TRANSPORTS, sent[sample])
        return TransportPredictions(
            batched=dict.fromkeys(TRANSPORTS, sent), sample=sample, single=single, seconds=seconds
        )


@pytest.fixture(autouse=True)
def no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = [RAW[first : first + CHUNK] for first in range(0, ROWS, CHUNK)]
    monkeypatch.setattr(path_comparison, "read_chunks", lambda _: iter(chunks))
    monkeypatch.setattr(
        path_comparison, "rounding_operations", lambda _, signature: OPERATIONS | {"predictions": ("Log1p",)}
    )


def compare(paths: Paths) -> SkewReport:
    report = SkewReport(batch_sizes=SIZES)
    PathComparison(report, [], paths, paths, Server(paths), "").run()
    return report


def rows_of(report: SkewReport, name: str) -> int:
    return next(one.rows for one in report.comparisons(name))


def shifted(where: np.ndarray, *layouts: Layout, by: float = 5e-4) -> Features:
    """Features of which x is more in these rows, in these layouts."""

    def features(rows: np.ndarray, layout: Layout) -> Arrays:
        found = honest(rows, layout)
        if layout in layouts:
            found["x"] = np.where(np.isin(rows, where)[:, None], found["x"] + np.float32(by), found["x"])
        return found

    return features


def test_every_row_in_large_batches_and_a_sample_in_all_layouts() -> None:
    paths = Paths()
    report = compare(paths)
    assert report.blessed
    (sample,) = paths.asked
    assert DRAWN_ROWS <= len(sample) <= SAMPLE_ROWS
    assert rows_of(report, "feature x") == rows_of(report, "serving_raw, batch size 512") == ROWS
    assert rows_of(report, "serving_raw, batch size 1") == rows_of(report, "REST rows, batch size 512") == len(sample)
    assert rows_of(report, "REST rows, batch size 1") == 3
    (served,) = paths.served
    assert served.tolist() == sample.tolist(), "of many rows the server is asked for the sample"
    coverage = report.as_dict()["coverage"]
    assert (coverage["rows"], coverage["drawn"], coverage["in_all_layouts"]) == (ROWS, DRAWN_ROWS, len(sample))
    assert (coverage["asked_again"], coverage["presumed"], coverage["by_server"]) == (0, 0, len(sample))
    assert coverage["share_found"] == coverage["share_found_by_server"] == pytest.approx(0.00492, abs=1e-5)


def test_one_row_that_differs_in_large_batches_is_found() -> None:
    report = compare(Paths(exported=shifted(np.array([11_111]), 1, 7, 512, FILLED)))
    assert report.reasons()[0].startswith(
        "feature x: 1 of 12000 rows are not equal within 32 float32 steps; worst at row 11111"
    )
    assert all("batch path" in reason or "at batch size" in reason for reason in report.reasons())


@pytest.mark.parametrize("layout", [1, 7])
def test_rows_that_differ_at_one_small_batch_size_are_found_in_the_sample(layout: int) -> None:
    one_in_hundred = np.arange(0, ROWS, 100)
    report = compare(Paths(exported=shifted(one_in_hundred, layout, by=0.1)))
    assert not report.blessed
    assert report.reasons()[0].startswith("feature x: ")


def test_rows_that_differ_in_large_batches_are_asked_for_again_and_another_layout_excuses_them() -> None:
    """Rows are rounded otherwise in large batches than in the batch path's, and as there when they are alone."""
    where = np.arange(50, ROWS, 300)
    paths = Paths(exported=shifted(where, 512, FILLED))
    report = compare(paths)
    assert report.reasons() == []
    sample, again = paths.asked
    assert set(again.tolist()) == set(where.tolist()) - set(sample.tolist())
    (feature,) = report.comparisons("feature x")
    assert (feature.rows, feature.rounding.rows) == (ROWS, len(where))
    assert report.as_dict()["coverage"]["asked_again"] == len(again)


def test_beyond_a_number_of_them_some_are_asked_for_and_the_others_pass_if_these_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(path_comparison, "MOST_ASKED_AGAIN", 40)
    where = np.arange(50, ROWS, 50)
    paths = Paths(exported=shifted(where, 512, FILLED))
    report = compare(paths)
    assert report.reasons() == []
    sample, again = paths.asked
    presumed = len(set(where.tolist()) - set(sample.tolist())) - 40
    assert len(again) == 40
    assert presumed > 100
    coverage = report.as_dict()["coverage"]
    assert (coverage["asked_again"], coverage["presumed"]) == (40, presumed)
    assert coverage["share_found_of_presumed"] == pytest.approx(1 - 0.001 ** (1 / 40))
    (feature,) = report.comparisons("feature x")
    assert (feature.rows, feature.presumed, feature.rounding.rows) == (ROWS, presumed, len(where))

    refused = compare(Paths(exported=shifted(where, 1, 7, 512, FILLED)))
    assert refused.reasons()[0].startswith(f"feature x: {len(where)} of 12000 rows are not equal within")
    (feature,) = refused.comparisons("feature x")
    assert (feature.differences, feature.skewed) == (len(where), len(where) - presumed)


def test_what_no_layout_could_excuse_is_refused_even_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_comparison, "MOST_ASKED_AGAIN", 1)
    where = np.arange(50, ROWS, 50)
    small = shifted(where, 512, FILLED)

    def features(rows: np.ndarray, layout: Layout) -> Arrays:
        found = small(rows, layout)
        far = np.isin(rows, where[:100])[:, None] & (layout in (512, FILLED))
        return found | {"x": np.where(far, found["x"] + np.float32(0.1), found["x"])}

    (feature,) = compare(Paths(exported=features)).comparisons("feature x")
    assert feature.skewed == 100


def test_predictions_are_never_presumed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows change their bucket in large batches, and the exported model predicts one of them otherwise there."""
    monkeypatch.setattr(path_comparison, "MOST_ASKED_AGAIN", 40)
    where = np.arange(50, ROWS, 50)

    def moved(rows: np.ndarray, layout: Layout) -> Arrays:
        found = honest(rows, layout)
        flips = np.isin(rows, where)[:, None] & (layout in (512, FILLED))
        return found | {"bucket": np.where(flips, 1 - found["bucket"], found["bucket"])}

    excused = Paths(exported=moved)
    report = compare(excused)
    assert report.reasons() == []
    (feature,) = report.comparisons("feature bucket")
    presumed = np.setdiff1d(where, np.concatenate(excused.asked))
    assert feature.presumed == len(presumed) > 100
    assert feature.rounding.at_edge == len(where)

    def off(features: Arrays, rows: np.ndarray, layout: Layout) -> np.ndarray:
        return predict(features) + np.float32(0.3) * (rows == presumed[7])[:, None]

    refused = compare(Paths(exported=moved, predict_exported=off))
    assert len(refused.reasons()) == 2
    for reason, signature in zip(refused.reasons(), ("serving_default", "serving_raw"), strict=True):
        assert reason.startswith(f"{signature}, batch size 512: 1 of {ROWS} rows are not equal within 64 float32 steps")
        assert f"worst at row {presumed[7]}: " in reason


def test_a_server_that_is_wrong_in_one_row_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """It predicts every row; the row is asked for again, and nothing excuses it."""
    monkeypatch.setattr(path_comparison, "SERVED_ROWS", ROWS)
    monkeypatch.setattr(path_comparison, "read_chunks", lambda _: iter([RAW]))
    monkeypatch.setitem(globals(), "CHUNK", ROWS)
    wrong = Paths(serve=lambda predictions, rows: predictions + np.float32(0.01) * (rows == 7_777)[:, None])
    report = compare(wrong)
    assert [reason.partition(":")[0] for reason in report.reasons()] == [
        f"{name}, batch size 512" for name in TRANSPORTS
    ]
    assert "1 of 12000 rows are not equal" in report.reasons()[0]
    assert wrong.asked[1].tolist() == [7_777]
    coverage = report.as_dict()["coverage"]
    assert (coverage["by_server"], coverage["share_found_by_server"]) == (ROWS, 0.0)


def test_rows_in_another_order_are_told_from_skew() -> None:
    order = np.arange(ROWS)
    order[:CHUNK] = order[:CHUNK][::-1]
    report = compare(Paths(batch_order=order))
    assert "returns the features of the same rows in another order: " in " ".join(report.reasons())


@pytest.mark.parametrize("layout", [512, 7])
@pytest.mark.parametrize("more", [-1, 1], ids=["fewer", "more"])
def test_an_exported_model_that_returns_another_number_of_rows(layout: Layout, more: int) -> None:
    given: list[int] = []

    def resized(features: Arrays, rows: np.ndarray, asked: Layout) -> np.ndarray:
        if asked != layout:
            return predict(features)
        given.append(len(rows))
        return np.resize(predict(features), (len(rows) + more, 1))

    report = compare(Paths(predict_exported=resized))
    assert not report.blessed
    assert report.reasons() == [
        f"the exported model does not return one row for each row that it receives: expected {given[0]} rows of "
        f"serving_default/{layout}, received float32 [{given[0] + more}, 1]; look for what drops, repeats or adds up "
        "rows in its signatures"
    ]
