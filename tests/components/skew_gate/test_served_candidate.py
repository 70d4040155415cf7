"""Faults of the model server and of its clients are planted, and the gate says which transport has them."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.candidate_serving import candidate_server, transports, warmup_records
from components.candidate_serving.candidate_server import CandidateServerError
from components.candidate_serving.transports import (
    GRPC_COLUMNS,
    GRPC_EXAMPLES,
    REST_COLUMNS,
    REST_ROWS,
    CandidateClient,
    RequestBatch,
)
from components.skew_gate import served_candidate
from components.skew_gate.report import SkewReport
from components.skew_gate.served_candidate import SINGLE_ROWS, ServedCandidate, choose_sample, link_version
from tests import handmade
from tests.components.skew_gate.world import MISSING, ROWS, World, differing, reason

pytestmark = pytest.mark.pipeline

PATIENCE = 300.0  # seconds
AGAINST_GRPC = "against gRPC columns"
SAMPLE = 20  # rows requested one by one: enough, and fast

# A server that is wrong in one place, or in none, as the file says that is its first argument.
FAULTY_SERVER = """
import json, runpy, sys
from pathlib import Path
import numpy as np
from serving.server import json_tensors, tensors

fault = Path(sys.argv.pop(1))
loads, encode, to_proto = json.loads, json_tensors.encode_predict, tensors.to_proto

def digits(array, count):
    return np.float32([[float(f"{value:.{count}g}") for value in row] for row in array])

def read_json(text, **more):
    if fault.read_text() == "reads whole numbers":
        more["parse_float"] = lambda number: float(round(float(number)))
    return loads(text, **more)

def write_json(outputs, rows):
    match fault.read_text():
        case "writes 5 digits":
            outputs = {name: digits(array, 5) for name, array in outputs.items()}
        case "writes 6 digits":
            outputs = {name: digits(array, 6) for name, array in outputs.items()}
        case "mixes rows up" if rows:
            outputs = {name: array[::-1] for name, array in outputs.items()}
        case "fails":
            raise OSError("the disk is gone")
        case "writes words":
            outputs = {name: np.full(array.shape, b"half", object) for name, array in outputs.items()}
    return encode(outputs, rows)

def write_proto(array):
    if fault.read_text() == "answers in half precision":
        array = array.astype(np.float16).astype(array.dtype)
    return to_proto(array)

json.loads, json_tensors.encode_predict, tensors.to_proto = read_json, write_json, write_proto
sys.argv.insert(1, "server")
runpy.run_module("serving", run_name="__main__", alter_sys=True)
"""


@dataclasses.dataclass(frozen=True)
class Faulty:
    """The honest model on a server whose faults can be chosen."""

    world: World
    candidate: ServedCandidate
    fault: Path

    def report(self, fault: str = "") -> SkewReport:
        """What the gate reports on the server's predictions."""
        self.fault.write_text(fault)
        return self.world.compare(served=self.candidate)


@pytest.fixture(scope="module")
def faulty(honest: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    folder = tmp_path_factory.mktemp("faulty")
    script, fault = folder / "faulty_server.py", folder / "fault"
    script.write_text(FAULTY_SERVER)
    fault.write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidate_server, "_PROGRAM", (str(script), str(fault)))
        patch.setattr(served_candidate, "SINGLE_ROWS", SAMPLE)
        with candidate(honest, folder) as served:
            yield Faulty(honest, served, fault)


def candidate(world: World, folder: Path, **changed: str) -> ServedCandidate:
    paths = {"raw": world.raw, "model_dir": world.model_dir} | changed
    return ServedCandidate(folder, [paths["raw"]], paths["model_dir"], MISSING, [1, 8], PATIENCE)


def test_no_fault(faulty: Faulty) -> None:
    report = faulty.report()
    assert report.blessed
    assert differing(report) == set()
    assert "Ready: gRPC on port" in (faulty.fault.parent / candidate_server.LOG).read_text()


OF_THE_SERVER = {
    "writes 5 digits": {REST_ROWS, REST_COLUMNS},
    "reads whole numbers": {REST_ROWS, REST_COLUMNS},
    "mixes rows up": {REST_ROWS},
    "answers in half precision": {GRPC_EXAMPLES, GRPC_COLUMNS, REST_ROWS, REST_COLUMNS},
}


@pytest.mark.parametrize(("fault", "expected"), OF_THE_SERVER.items(), ids=OF_THE_SERVER.keys())
def test_a_server_that_answers_wrongly(faulty: Faulty, fault: str, expected: set[str]) -> None:
    report = faulty.report(fault)
    assert not report.blessed
    assert differing(report) == expected


def test_six_digits_are_near_enough_to_the_batch_path_and_still_noticed(faulty: Faulty) -> None:
    report = faulty.report("writes 6 digits")
    assert report.reasons()
    assert all(f"{AGAINST_GRPC}: " in reason for reason in report.reasons())
    found = reason(report, f"{REST_ROWS}, batch size 512 {AGAINST_GRPC}")
    assert f" of {ROWS} rows are not equal bit for bit; worst at row " in found
    assert ": gRPC columns 0." in found
    assert ", REST rows 0." in found


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("fails", 'REST rows: 500 {"error": '),
        ("writes words", "REST rows: ValueError: could not convert string to float: 'half'"),
    ],
)
def test_a_server_that_does_not_answer_with_predictions(faulty: Faulty, fault: str, said: str) -> None:
    (found,) = faulty.report(fault).reasons()
    assert found.startswith(f"the model server does not serve the exported model: {said}")


def spells_missing(
    number: float, transport: Callable[[CandidateClient, RequestBatch], np.ndarray]
) -> Callable[..., np.ndarray]:
    """A client that sends another number where one is missing."""

    def ask(client: CandidateClient, rows: RequestBatch) -> np.ndarray:
        columns = {
            name: values if values.dtype == object else np.where(values == -(2**53), values.dtype.type(number), values)
            for name, values in rows.columns.items()
        }
        return transport(client, RequestBatch(examples=rows.examples, columns=columns))

    return ask


@pytest.mark.parametrize("name", [REST_ROWS, REST_COLUMNS, GRPC_COLUMNS])
def test_a_client_that_spells_missing_wrongly(faulty: Faulty, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(transports.TRANSPORTS, name, spells_missing(0, transports.TRANSPORTS[name]))
    report = faulty.report()
    # What is wrong in gRPC columns shows in both that are held against it.
    assert differing(report) == ({name, REST_ROWS, REST_COLUMNS} if name == GRPC_COLUMNS else {name})
    for size, asked in ((512, range(ROWS)), (1, choose_sample(ROWS, SAMPLE))):
        missing = [row for row in asked if handmade.ROWS[row]["miles"] is None]
        said = f"{name}, batch size {size}: {len(missing)} of {len(asked)} rows are not equal within 64 float32 steps"
        found = reason(report, f"{name}, batch size {size}")
        assert found.startswith(f"{said}; worst at row ")
        assert int(found.removeprefix(f"{said}; worst at row ").partition(":")[0]) in missing


def test_a_client_that_leaves_a_feature_out(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(client: CandidateClient, rows: RequestBatch) -> np.ndarray:
        examples = [tf.train.Example.FromString(record) for record in rows.examples]
        for example in examples:
            example.features.feature.pop("company", None)
        cut = np.array([example.SerializeToString() for example in examples], dtype=object)
        return client.grpc_examples(RequestBatch(examples=cut, columns=rows.columns))

    monkeypatch.setitem(transports.TRANSPORTS, GRPC_EXAMPLES, ask)
    assert differing(faulty.report()) == {GRPC_EXAMPLES}


def test_a_required_value_sent_as_missing_is_refused_in_the_words_of_the_model(
    faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(client: CandidateClient, rows: RequestBatch) -> np.ndarray:
        fare = np.full(len(rows), -(2.0**53), np.float32)
        return client.grpc_columns(RequestBatch(examples=rows.examples, columns=rows.columns | {"fare": fare}))

    monkeypatch.setitem(transports.TRANSPORTS, GRPC_COLUMNS, ask)
    (found,) = faulty.report().reasons()
    assert found.startswith("the model server does not serve the exported model: gRPC columns: INVALID_ARGUMENT: ")
    assert "fare is required" in found


def test_no_rows(world: World) -> None:
    empty = handmade.write_records(world.directory / "empty.gz", [])
    with (
        candidate(world, world.directory, raw=empty) as served,
        pytest.raises(CandidateServerError, match="ValueError: cannot write warm-up requests: "),
    ):
        served.predict(np.array([], object), 64, np.arange(0))


def test_no_saved_model(world: World) -> None:
    model = world.copy_model()
    (model / "saved_model.pb").unlink()
    with (
        candidate(world, world.directory, model_dir=str(model)) as served,
        pytest.raises(CandidateServerError, match="OSError: SavedModel file does not exist at: "),
    ):
        served.predict(np.array([], object), 64, np.arange(0))


def test_the_served_version_is_the_model_with_the_records(tmp_path: Path) -> None:
    model, records = tmp_path / "model", tmp_path / "records"
    (model / "assets.extra").mkdir(parents=True)
    (model / "variables").mkdir()
    (model / "saved_model.pb").write_text("graph")
    (model / "variables" / "index").write_text("index")
    (model / "assets.extra" / "schema.pbtxt").write_text("schema")
    (model / "assets.extra" / warmup_records.FILE).write_text("its own")
    records.write_text("ours")
    link_version(model, records, tmp_path / "base")
    version = tmp_path / "base" / "1"
    held = {str(path.relative_to(version)): path.read_text() for path in version.glob("*/*") if path.is_file()}
    assert held == {
        "variables/index": "index",
        "assets.extra/schema.pbtxt": "schema",
        "assets.extra/tf_serving_warmup_requests": "ours",
    }
    assert (version / "saved_model.pb").read_text() == "graph"
    assert (model / "assets.extra" / warmup_records.FILE).read_text() == "its own"


@pytest.mark.parametrize("rows", [0, 1, 100, SINGLE_ROWS, 129, 10_000_019])
def test_the_sample_lies_evenly_over_all_rows(rows: int) -> None:
    chosen = choose_sample(rows, SINGLE_ROWS)
    assert chosen == choose_sample(rows, SINGLE_ROWS)
    assert len(chosen) == min(rows, SINGLE_ROWS)
    if rows:
        assert (chosen[0], chosen[-1]) == (0, rows - 1)
        gaps = np.diff(chosen)
        assert len(gaps) == 0 or gaps.max() - gaps.min() <= 1
