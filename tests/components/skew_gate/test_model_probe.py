"""The probe's script, called in this process: what it writes, and how it says that it failed."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

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


def test_chunks_of_rows_and_the_loaded_modules_are_written(world: World) -> None:
    records = handmade.read_records(world.raw)
    files = [
        handmade.write_records(world.directory / f"raw-{part}.gz", records[start : start + 40])
        for part, start in enumerate(range(0, ROWS, 40))
    ]
    result = probe(world, examples=files)
    assert (result.rows, result.error) == (ROWS, None)
    # This process has all three.
    assert result.forbidden_modules == ["tensorflow_transform", "pipelines", "components"]
    first, second = result.chunks
    (whole,) = world.exported.chunks
    assert set(first) == {name for name in whole if not name.endswith("/1") and "/1/" not in name and "/64" not in name}
    for name, values in first.items():
        assert len(values) == 64
        together = np.concatenate([values, second[name]])
        if name.startswith("transform_features/"):
            assert together.tolist() == whole[name].tolist()
        else:
            np.testing.assert_allclose(together, whole[name], atol=1e-6)


def test_a_batch_is_consecutive_rows_and_the_last_is_smaller() -> None:
    specs = {"mean": tf.TensorSpec([None], tf.float32)}
    means = model_probe.in_batches(lambda inputs: {"mean": inputs["x"] * 0 + tf.reduce_mean(inputs["x"])}, specs)
    rows = {"x": tf.range(8, dtype=tf.float32)}
    assert means(rows, 3)["mean"].numpy().tolist() == [1, 1, 1, 4, 4, 4, 6.5, 6.5]
    assert means(rows, 1)["mean"].numpy().tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert means(rows, 512)["mean"].numpy().tolist() == [3.5] * 8


def test_the_last_batch_is_filled_up_with_its_own_rows() -> None:
    """The signature says how many rows its batch had: a filled one has as many as any other."""
    asked: list[list[bytes]] = []

    def signature(inputs: dict[str, tf.Tensor], size: int) -> dict[str, tf.Tensor]:
        asked.append(inputs["examples"].numpy().tolist())
        return {"x": tf.fill([len(asked[-1]), 1], float(len(asked[-1])))}

    rows = np.array([b"0", b"1", b"2", b"3", b"4", b"5"], dtype=object)
    at_four, alone = np.float32([[4]] * 4 + [[2]] * 2), np.float32([[1]] * 6)
    outputs = {"transform_features/4/x": at_four, "transform_features/1/x": alone, "serving_default/4": alone}
    filled = model_probe._fill_last(rows, 4, signature, outputs)
    assert asked == [[b"4", b"5", b"4", b"5"]]
    assert {name: values.ravel().tolist() for name, values in filled.items()} == {
        "transform_features/filled/x": [4] * 6
    }
    assert model_probe._fill_last(rows[:4], 4, signature, {"transform_features/4/x": np.ones(4)})
    assert len(asked) == 1, "four rows fill a batch of four"


def test_a_missing_value_is_spelled_out_by_type() -> None:
    specs = {"n": tf.TensorSpec([None], tf.int64), "x": tf.TensorSpec([None], tf.float32)}
    specs["s"] = tf.TensorSpec([None], tf.string)
    serialized = np.array([handmade.to_example(row) for row in ({"n": 3, "s": "é"}, {"x": 0.5})], dtype=object)
    columns = model_probe.build_request_columns(serialized, specs, {"number": -7, "string": "none"})
    assert {name: (values.dtype, values.numpy().tolist()) for name, values in columns.items()} == {
        "n": (tf.int64, [3, -7]),
        "x": (tf.float32, [-7, 0.5]),
        "s": (tf.string, ["é".encode(), b"none"]),
    }


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
