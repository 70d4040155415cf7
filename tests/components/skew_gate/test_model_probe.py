"""The probe's script, called in this process: what it writes, and how it says that it failed."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.skew_gate import model_probe
from components.skew_gate.probe_process import missing_values
from tests import handmade
from tests.components.skew_gate.world import MISSING, ROWS, World

pytestmark = pytest.mark.pipeline


ASKED = [3, 70, 99]


def probe(world: World, *, expected_status: int = 0, **changed: object) -> tuple[dict[str, object], Path]:
    """Runs the script's main function, which is asked for three rows; returns its result, and its folder."""
    output = world.directory / "output"
    output.mkdir()
    request = {
        "model": world.model_dir,
        "examples": [world.raw],
        "chunk_rows": 64,
        "missing": missing_values(MISSING),
        "batch_sizes": [1, 7, 512],
        "output": str(output),
    }
    (output / "request.json").write_text(json.dumps(request | changed))
    with tf.io.TFRecordWriter(str(output / "ask-00000.tfrecord")) as writer:
        for row in ASKED:
            writer.write(handmade.to_example(handmade.ROWS[row]))
    (output / "last-ask").touch()
    assert model_probe.main(str(output / "request.json")) == expected_status
    return json.loads((output / "probe.json").read_text()), output


def load(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=True) as arrays:
        return dict(arrays)


def test_all_rows_in_large_batches_and_those_asked_for_in_the_other_layouts(world: World) -> None:
    records = handmade.read_records(world.raw)
    files = [
        handmade.write_records(world.directory / f"raw-{part}.gz", records[start : start + 40])
        for part, start in enumerate(range(0, ROWS, 40))
    ]
    result, output = probe(world, examples=files)
    # This process has all three.
    assert result == {"rows": ROWS, "forbidden_modules": ["tensorflow_transform", "pipelines", "components"]}
    (whole,) = (world.exported.read_chunk(0),)
    first, second = (load(output / f"chunk-0000{index}.npz") for index in range(2))
    assert {name.split("/")[1] for name in first} == {"512"}
    assert first.keys() == whole.keys()
    for name, values in first.items():
        assert len(values) == 64
        together = np.concatenate([values, second[name]])
        if name.startswith("transform_features/"):
            assert together.tolist() == whole[name].tolist()
        else:
            np.testing.assert_allclose(together, whole[name], atol=1e-6)
    answer = load(output / "answer-00000.npz")
    assert {tuple(name.split("/")[:2]) for name in answer} == {
        *(("transform_features", layout) for layout in ("1", "7", "filled")),
        *((signature, size) for signature in ("serving_default", "serving_raw") for size in ("1", "7")),
    }
    for name, values in answer.items():
        signature, _, feature = name.partition("/")
        expected = whole["/".join([signature, "512", *feature.split("/")[1:]])][ASKED]
        if values.dtype.kind == "f":
            np.testing.assert_allclose(values, expected, rtol=1e-5)
        else:
            assert values.tolist() == expected.tolist()


def test_a_batch_is_consecutive_rows_and_the_last_is_smaller() -> None:
    specs = {"mean": tf.TensorSpec([None], tf.float32)}
    means = model_probe.in_batches(lambda inputs: {"mean": inputs["x"] * 0 + tf.reduce_mean(inputs["x"])}, specs)
    rows = {"x": tf.range(8, dtype=tf.float32)}
    assert means(rows, 3)["mean"].numpy().tolist() == [1, 1, 1, 4, 4, 4, 6.5, 6.5]
    assert means(rows, 1)["mean"].numpy().tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert means(rows, 512)["mean"].numpy().tolist() == [3.5] * 8


def test_any_number_of_rows_and_any_batch_size_are_one_trace() -> None:
    traces: list[int] = []

    def double(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        traces.append(1)
        return {"y": 2 * inputs["x"]}

    doubled = model_probe.in_batches(double, {"y": tf.TensorSpec([None, 1], tf.float32)})
    for rows, size in ((8, 3), (5, 3), (700, 512), (1, 1)):
        x = tf.reshape(tf.range(rows, dtype=tf.float32), [-1, 1])
        assert doubled({"x": x}, size)["y"].numpy().tolist() == (2 * x).numpy().tolist()
    assert len(traces) == 1


def test_the_last_batch_is_filled_up_with_its_own_rows() -> None:
    """The signature says how many rows its batch had: a filled one has as many as any other."""
    asked: list[list[bytes]] = []

    def signature(inputs: dict[str, tf.Tensor], size: int) -> dict[str, tf.Tensor]:
        asked.append(inputs["examples"].numpy().tolist())
        return {"x": tf.range(len(asked[-1]))}

    rows = np.array([b"0", b"1", b"2", b"3", b"4", b"5"], dtype=object)
    filled = model_probe._in_filled_batches(rows, 4, signature)
    assert asked == [[b"0", b"1", b"2", b"3", b"4", b"5", b"0", b"1"]]
    assert filled["x"].numpy().tolist() == [0, 1, 2, 3, 4, 5]
    model_probe._in_filled_batches(rows[:4], 4, signature)
    assert asked[1] == [b"0", b"1", b"2", b"3"], "four rows fill a batch of four"


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
    result, _ = probe(world, model=str(model), expected_status=1)
    assert said in str(result["error"])


def test_a_row_with_several_values(world: World) -> None:
    several = handmade.to_example(handmade.ROWS[0] | {"fare": [1.0, 2.0]})
    raw = handmade.write_records(world.directory / "several.gz", [several])
    result, _ = probe(world, examples=[raw], expected_status=1)
    assert "fare" in str(result["error"])


def test_no_rows(world: World) -> None:
    result, output = probe(world, examples=[handmade.write_records(world.directory / "empty.gz", [])])
    assert result["rows"] == 0
    assert list(output.glob("chunk-*")) == []
