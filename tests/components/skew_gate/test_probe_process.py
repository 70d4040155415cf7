"""What only the probe's process can show: what it can import, and every way it can end."""

from pathlib import Path

import pytest

from components.candidate_serving.standby import Standby
from components.skew_gate import model_probe
from components.skew_gate.component import BATCH_SIZES
from components.skew_gate.probe_process import Probe, ProbeError
from components.tfrecords import read_chunks
from tests.components.skew_gate.world import MISSING, ROWS, World

pytestmark = pytest.mark.pipeline

PATIENCE = 300.0  # seconds
ROOT = str(Path(__file__).parents[3])


def start_probe(world: World, seconds: float = PATIENCE) -> Probe:
    return Probe(world.directory, [world.raw], world.model_dir, MISSING, BATCH_SIZES, seconds)


def error_of(world: World, seconds: float = PATIENCE) -> str:
    with start_probe(world, seconds) as probe, pytest.raises(ProbeError) as error:
        probe.read_chunk(0)
    return str(error.value)


def plant(world: World, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Makes the probe's process run some code first."""
    script = world.directory / "planted.py"
    script.write_text(f"import runpy, sys\n{code}\nrunpy.run_path({model_probe.__file__!r}, run_name='__main__')\n")
    monkeypatch.setattr(model_probe, "__file__", str(script))


def test_the_process_does_not_know_this_project_and_a_forbidden_import_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", ROOT)
    plant(
        world,
        monkeypatch,
        "import importlib.util\n"
        "assert not any(map(importlib.util.find_spec, ('components', 'pipelines', 'serving')))\n"
        "assert 'tensorflow_transform' not in sys.modules\n"
        f"sys.path.append({ROOT!r})\nimport components",
    )
    with start_probe(world) as probe:
        assert len(probe.read_chunk(0)["serving_raw/512"]) == ROWS
        rows = next(read_chunks([world.raw]))[:3]
        answers = [probe.ask(rows), probe.ask(rows[:1])]
        assert [len(probe.read_answer(answer, 3)["serving_raw/7"]) for answer in answers] == [3, 1]
        assert probe.finish() == ["components"]
    assert list(world.directory.glob("*.npz")) == [], "what was read is removed"


def test_a_probe_that_dies(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(world, monkeypatch, "sys.stderr.write('no more memory\\n'); sys.stderr.flush(); import os; os._exit(9)")
    assert error_of(world) == "no more memory (exit status 9)"


def test_a_probe_that_hangs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(world, monkeypatch, "import threading; threading.Event().wait()")
    assert error_of(world, 0.25) == "it did not write chunk-00000.npz within 0.5 s", (
        "for the model and for the first rows"
    )


def test_a_model_that_does_not_load_is_told_in_its_own_words(world: World) -> None:
    model = world.copy_model()
    (model / "saved_model.pb").unlink()
    with (
        Probe(world.directory, [world.raw], str(model), MISSING, BATCH_SIZES, PATIENCE) as probe,
        pytest.raises(ProbeError, match=r"^OSError: SavedModel file does not exist at: "),
    ):
        probe.read_chunk(0)


def test_the_probe_ends_with_the_gate(world: World) -> None:
    with start_probe(world) as probe:
        assert probe.process.stdin is not None
        probe.process.stdin.close()  # as it closes when the gate dies
        assert probe.process.wait() == 1
    assert not (world.directory / model_probe.RESULT_NAME).exists()


def test_a_fork_of_the_standby_process_does_not_know_this_project_either(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", ROOT)
    plant(
        world,
        monkeypatch,
        "import importlib.util\n"
        "assert 'tensorflow' in sys.modules\n"
        "assert not any(map(importlib.util.find_spec, ('components', 'pipelines', 'serving')))",
    )
    with Standby(), start_probe(world) as probe:
        assert len(probe.read_chunk(0)["serving_raw/512"]) == ROWS
        assert probe.finish() == []
