"""Faults of the model server and of its clients are planted, and the gate says which transport has them."""

import dataclasses
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.candidate_serving import candidate_server, transports
from components.candidate_serving.candidate_server import ModelServerError
from components.candidate_serving.transports import GRPC_COLUMNS, GRPC_EXAMPLES, REST_COLUMNS, REST_ROWS, Client, Rows
from components.missing_rule import MissingRule
from components.skew_gate import component as skew_gate
from components.skew_gate.report import SkewReport
from components.skew_gate.served_candidate import SAMPLE_ROWS, ServedCandidate, sample
from components.tfrecords import read_chunks
from tests import handmade
from tests.components.skew_gate.test_component import ROWS, World, differing, honest, planted_probe, reason, world

__all__ = ["honest", "world"]  # fixtures

pytestmark = pytest.mark.pipeline

PATIENCE = 300.0  # seconds
REFUSED = "the model server does not serve the exported model: "
AGAINST_GRPC = "against gRPC columns"

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
    """The honest model on a server whose faults can be chosen, and what the batch path says."""

    world: World
    candidate: ServedCandidate
    fault: Path

    def report(self, fault: str = "") -> SkewReport:
        """What the gate reports on the server's answers, as if the exported model were like the batch path."""
        self.fault.write_text(fault)
        answers = self.candidate.answers(ROWS, max(skew_gate.BATCH_SIZES), PATIENCE)
        report = SkewReport(batch_sizes=skew_gate.BATCH_SIZES, tolerance=skew_gate.TOLERANCE)
        batch_path = skew_gate._batch_path([self.world.transformed], self.world.trained, skew_gate.BATCH_SIZES)
        raw = read_chunks([self.world.raw])
        for (features, predictions), rows, answered in zip(batch_path, raw, answers, strict=True):
            served = {
                f"transform_features/{size}/{name}": values for size in predictions for name, values in features.items()
            } | {
                f"{name}/{size}": predictions[size]
                for size in predictions
                for name in ("serving_default", "serving_raw")
            }
            report.add(features, predictions, served, rows, answered)
        return report


@pytest.fixture(scope="module")
def faulty(honest: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    folder = tmp_path_factory.mktemp("faulty")
    script, fault = folder / "faulty_server.py", folder / "fault"
    script.write_text(FAULTY_SERVER)
    fault.write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidate_server, "_PROGRAM", (str(script), str(fault)))
        with candidate(honest, folder) as served:
            yield Faulty(honest, served, fault)


def candidate(world: World, folder: Path) -> ServedCandidate:
    missing = MissingRule.from_schema(handmade.CONTRACT)
    return ServedCandidate(folder, [world.raw], world.model_dir, missing, [1, 8])


def test_no_fault(faulty: Faulty) -> None:
    report = faulty.report()
    assert report.blessed
    assert differing(report) == set()


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
    with pytest.raises(ModelServerError) as error:
        faulty.report(fault)
    assert str(error.value).startswith(said)


def spells_missing(number: float, transport: Callable[[Client, Rows], np.ndarray]) -> Callable[..., np.ndarray]:
    """A client that sends another number where one is missing."""

    def ask(client: Client, rows: Rows) -> np.ndarray:
        columns = {
            name: values if values.dtype == object else np.where(values == -(2**53), values.dtype.type(number), values)
            for name, values in rows.columns.items()
        }
        return transport(client, Rows(examples=rows.examples, columns=columns))

    return ask


@pytest.mark.parametrize("name", [REST_ROWS, REST_COLUMNS, GRPC_COLUMNS])
def test_a_client_that_spells_missing_wrongly(faulty: Faulty, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(transports.TRANSPORTS, name, spells_missing(0, transports.TRANSPORTS[name]))
    report = faulty.report()
    # What is wrong in gRPC columns shows in both that are held against it.
    assert differing(report) == ({name, REST_ROWS, REST_COLUMNS} if name == GRPC_COLUMNS else {name})
    missing = sum(row["miles"] is None for row in handmade.ROWS)
    said = f"{name}, batch size 1: {missing} of {ROWS} rows are not within 1e-06 (relative beyond 1); worst at row "
    assert reason(report, f"{name}, batch size 1").startswith(said)


def test_a_client_that_leaves_a_feature_out(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(client: Client, rows: Rows) -> np.ndarray:
        examples = [tf.train.Example.FromString(record) for record in rows.examples]
        for example in examples:
            example.features.feature.pop("company", None)
        cut = np.array([example.SerializeToString() for example in examples], dtype=object)
        return client.grpc_examples(Rows(examples=cut, columns=rows.columns))

    monkeypatch.setitem(transports.TRANSPORTS, GRPC_EXAMPLES, ask)
    assert differing(faulty.report()) == {GRPC_EXAMPLES}


def test_a_required_value_sent_as_missing_is_refused_in_the_words_of_the_model(
    faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(client: Client, rows: Rows) -> np.ndarray:
        fare = np.full(len(rows), -(2.0**53), np.float32)
        return client.grpc_columns(Rows(examples=rows.examples, columns=rows.columns | {"fare": fare}))

    monkeypatch.setitem(transports.TRANSPORTS, GRPC_COLUMNS, ask)
    with pytest.raises(ModelServerError, match=r"gRPC columns: INVALID_ARGUMENT: .*fare is required") as error:
        faulty.report()
    assert isinstance(error.value, ModelServerError)


@pytest.fixture
def no_probe(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Saves the time of a probe where the server is the point."""
    planted_probe(world, monkeypatch, "import os\nos._exit(1)")


def plant(world: World, monkeypatch: pytest.MonkeyPatch, code: str) -> Callable[[], int]:
    """Makes the gate start a server that first runs some code; returns how to ask how often it did."""
    script, starts = world.directory / "server.py", world.directory / "starts"
    script.write_text(
        f"import runpy\nwith open({str(starts)!r}, 'a') as starts:\n    starts.write('.')\n{code}\n"
        "sys.argv.insert(1, 'server')\nrunpy.run_module('serving', run_name='__main__', alter_sys=True)\n"
    )
    monkeypatch.setattr(candidate_server, "_PROGRAM", (str(script),))
    return lambda: len(starts.read_text())


@pytest.mark.usefixtures("no_probe")
def test_a_server_that_dies(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    started = plant(world, monkeypatch, "import os\nprint('no more memory', flush=True)\nos._exit(9)")
    by_server, _ = world.gate(wire=True).reasons()
    assert by_server == f"{REFUSED}no more memory (exit status 9)"
    assert started() == 1, "no port was taken: another attempt would end the same way"


@pytest.mark.usefixtures("no_probe")
def test_a_server_that_hangs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(world, monkeypatch, "import threading\nthreading.Event().wait()")
    by_server, _ = world.gate(wire=True, time_limit=0.5).reasons()
    assert by_server == f"{REFUSED}it was not ready after 0.5 s"


@pytest.mark.usefixtures("no_probe")
def test_a_model_that_the_server_does_not_load(world: World) -> None:
    model = world.model_copy()
    (model / "variables" / "variables.index").unlink()
    by_server, _ = world.gate(wire=True, model_dir=str(model)).reasons()
    assert by_server.startswith(f"{REFUSED}Failed to start server. Error: ")
    assert by_server.endswith(" (exit status 2)")


@pytest.mark.usefixtures("no_probe")
def test_no_rows(world: World) -> None:
    empty = handmade.write_records(world.directory / "empty.gz", [])
    by_server, _ = world.gate(wire=True, raw_files=[empty], transformed_files=[empty]).reasons()
    assert by_server.startswith(f"{REFUSED}ValueError: no warm-up requests without rows: ")


@pytest.mark.usefixtures("no_probe")
def test_no_saved_model(world: World) -> None:
    model = world.model_copy()
    (model / "saved_model.pb").unlink()
    by_server, _ = world.gate(wire=True, model_dir=str(model)).reasons()
    assert by_server.startswith(f"{REFUSED}OSError: SavedModel file does not exist at: ")


def test_a_port_that_was_taken_in_between(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    started = plant(world, monkeypatch, "")
    free_ports = candidate_server._free_ports
    with socket.create_server(("127.0.0.1", 0)) as taken:
        offers = [[*free_ports(1), taken.getsockname()[1]], free_ports(2)]
        monkeypatch.setattr(candidate_server, "_free_ports", lambda count: offers.pop(0))
        with candidate(world, world.directory) as served:
            (answers,) = served.answers(ROWS, 64, PATIENCE)
    assert started() == 2
    assert {name: len(predictions) for name, predictions in answers.batched.items()} == dict.fromkeys(
        transports.TRANSPORTS, ROWS
    )


@pytest.mark.parametrize("rows", [0, 1, 100, SAMPLE_ROWS, 129, 10_000_019])
def test_the_sample_lies_evenly_over_all_rows(rows: int) -> None:
    chosen = sample(rows)
    assert chosen == sample(rows)
    assert len(chosen) == min(rows, SAMPLE_ROWS)
    if rows:
        assert (chosen[0], chosen[-1]) == (0, rows - 1)
        gaps = np.diff(chosen)
        assert len(gaps) == 0 or gaps.max() - gaps.min() <= 1
