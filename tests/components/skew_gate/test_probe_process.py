"""What only the probe's process can show: what it can import, and every way it can end."""

from pathlib import Path

import pytest

from components.skew_gate import model_probe
from components.skew_gate.probe_process import ProbeResult, start_probe, wait_for_result
from tests.components.skew_gate.world import MISSING, World

pytestmark = pytest.mark.pipeline

PATIENCE = 300.0  # seconds
ROOT = str(Path(__file__).parents[3])


def run_probe(world: World, seconds: float = PATIENCE) -> ProbeResult:
    with start_probe(world.directory, [world.raw], world.model_dir, MISSING, (512,)) as probe:
        return wait_for_result(probe, world.directory, seconds)


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
    result = run_probe(world)
    assert result.error is None
    assert result.forbidden_modules == ["components"]


def test_a_probe_that_dies(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(world, monkeypatch, "sys.stderr.write('no more memory\\n'); sys.stderr.flush(); import os; os._exit(9)")
    assert run_probe(world) == ProbeResult(error="no more memory (exit status 9)")


def test_a_probe_that_hangs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(world, monkeypatch, "import threading; threading.Event().wait()")
    assert run_probe(world, 0.25) == ProbeResult(error="it was not done after 0.25 s")


def test_the_probe_ends_with_the_gate(world: World) -> None:
    with start_probe(world.directory, [world.raw], world.model_dir, MISSING, (1,)) as probe:
        assert probe.stdin is not None
        probe.stdin.close()  # as it closes when the gate dies
        assert probe.wait() == 1
    assert not (world.directory / model_probe.RESULT_NAME).exists()
