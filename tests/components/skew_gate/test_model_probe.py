"""The probe's script, called in this process: what it writes, and how it says that it failed."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from components.skew_gate import model_probe
from components.skew_gate.probe_process import ProbeResult, missing_values, read_result
from tests import handmade
from tests.components.skew_gate.world import MISSING, ROWS, World

pytestmark = pytest.mark.pipeline


def probe(world: World, *, expected_status: int = 0, **changed: object) -> ProbeResult:
    """Runs the script's main function, and reads what it leaves."""
    output = world.directory / "output"
    output.mkdir()
    request = {
        "model": world.model_dir,
        "examples": [world.raw],
        "chunk_rows": 64,
        "missing": missing_values(MISSING),
        "batch_sizes": [7, 512],
        "output": str(output),
    }
    (output / "request.json").write_text(json.dumps(request | changed))
    assert model_probe.main(str(output / "request.json")) == expected_status
    return read_result(output)


def test_chunks_of_rows_are_written_in_their_order(world: World) -> None:
    result = probe(world)
    assert (result.rows, result.error) == (ROWS, None)
    first, second = result.chunks
    (whole,) = world.exported.chunks
    assert set(first) == {name for name in whole if "/7" in name or "/512" in name}
    for name, values in first.items():
        assert len(values) == 64
        together = np.concatenate([values, second[name]])
        if name.startswith("transform_features/"):
            assert together.tolist() == whole[name].tolist()
        else:
            np.testing.assert_allclose(together, whole[name], atol=1e-6)


def test_modules_that_were_loaded_with_the_model_are_told(world: World) -> None:
    # This process has all three.
    assert probe(world).forbidden_modules == ["tensorflow_transform", "pipelines", "components"]


def remove_asset(model: Path) -> None:
    (model / "assets" / "payment").unlink()


def cut_variables(model: Path) -> None:
    variables = model / "variables" / "variables.data-00000-of-00001"
    variables.write_bytes(variables.read_bytes()[:40])


@pytest.mark.parametrize(
    ("damage", "said"), [(remove_asset, "assets/payment"), (cut_variables, "Error: ")], ids=["asset", "variables"]
)
def test_a_model_that_does_not_load(world: World, damage: Callable[[Path], None], said: str) -> None:
    model = world.copy_model()
    damage(model)
    result = probe(world, model=str(model), expected_status=1)
    assert result.error is not None
    assert said in result.error


def test_a_row_with_several_values(world: World) -> None:
    several = handmade.to_example(handmade.ROWS[0] | {"fare": [1.0, 2.0]})
    raw = handmade.write_records(world.directory / "several.gz", [several])
    result = probe(world, examples=[raw], expected_status=1)
    assert result.error is not None
    assert "fare" in result.error


def test_no_rows(world: World) -> None:
    result = probe(world, examples=[handmade.write_records(world.directory / "empty.gz", [])])
    assert (result.rows, list(result.chunks)) == (0, [])
