"""Skew is planted between the trained and the exported model, and seen: which feature or signature, and why.

The exported model runs in this process; test_component.py runs the whole gate, test_served_candidate.py the server.
"""

import dataclasses

import pytest
import tensorflow as tf

from components.skew_gate.report import SkewReport
from pipelines.modeling import export
from tests import handmade
from tests.components.skew_gate.world import ROWS, ExportedHere, World, batch_path_of, differing, reason
from tests.handmade import Features

pytestmark = pytest.mark.pipeline

EQUAL = "not equal"
WITHIN = "equal within 64 float32 steps"  # predictions
SERVING = {"serving_default", "serving_raw"}


def test_nothing_differs_in_an_honest_model(world: World) -> None:
    report = world.compare()
    assert report.reasons() == []
    assert report.blessed
    assert {c["rows"] for c in report.as_dict()["comparisons"]} == {ROWS}


class OtherOutputs(export.ServedModel):
    """Leaves one feature out, and gives another type to a second."""

    @tf.function
    def transform_features(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        features = self._transform_layer(tf.io.parse_example(examples, self._row_spec))
        features["seconds"] = tf.cast(features["seconds"], tf.float32)
        return {name: values for name, values in features.items() if name != "company_name"}


@pytest.fixture(scope="module")
def other_features(honest: World, tmp_path_factory: pytest.TempPathFactory) -> SkewReport:
    """The trained model behind a graph of other features, which was made from other rows; and with OtherOutputs."""
    world = dataclasses.replace(honest, directory=tmp_path_factory.mktemp("other"))
    features = Features(miles_default=5.0, keeps_missing_flag=False, hour_edges=(6.0, 13.0, 18.0), tip_share=0.1)
    graph, _ = handmade.transform(world.directory, features, handmade.ROWS[:9])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "ServedModel", OtherOutputs)
        return world.compare(model_dir=world.export(world.trained, graph))


def test_every_feature_that_was_prepared_otherwise_is_named_and_no_other(other_features: SkewReport) -> None:
    """Another fill, a dropped flag, a shifted bucket edge, another label; older moments and an older vocabulary."""
    assert not other_features.blessed
    changed = {"miles", "miles_missing", "hour", "big_tip", "fare", "company"}
    assert differing(other_features) == changed | {"seconds", "company_name"} | SERVING
    missing = sum(row["miles"] is None for row in handmade.ROWS)
    assert reason(other_features, "feature miles_missing").startswith(
        f"feature miles_missing: {missing} of {ROWS} rows are {EQUAL}; worst at row 3: batch path 1, exported model 0, "
    )


def test_another_dtype_and_a_missing_feature_are_told(other_features: SkewReport) -> None:
    assert reason(other_features, "feature seconds") == (
        f"feature seconds: batch path has int64 [{ROWS}, 1], exported model has float32 [{ROWS}, 1]"
    )
    assert reason(other_features, "feature company_name") == (
        "feature company_name: Transform wrote it, but the exported model does not return it"
    )


def test_the_worst_row_is_shown_with_raw_value_and_both_results(other_features: SkewReport) -> None:
    at_noon = [row for row, trip in enumerate(handmade.ROWS) if trip["hour"] == 12]
    assert reason(other_features, "feature hour").startswith(
        f"feature hour: {len(at_noon)} of {ROWS} rows are {EQUAL}; worst at row 12: "
        "batch path 2, exported model 1, raw row {'company': 'company 0', 'fare': 36.25, 'hour': 12, "
    )
    (hour,) = [c for c in other_features.as_dict()["comparisons"] if c["name"] == "feature hour"]
    assert hour["worst"]["values"] == {"batch path": 2, "exported model": 1}
    assert hour["worst"]["raw"]["hour"] == 12


def test_a_model_of_another_training(world: World) -> None:
    report = world.compare(batch_path=batch_path_of(world.transformed, handmade.build_model(seed=2)))
    assert differing(report) == SERVING
    assert f"{ROWS} of {ROWS} rows are not {WITHIN}" in reason(report, "serving_default, batch size 64")


def test_swapped_vocabulary_files(world: World) -> None:
    assets = world.copy_model() / "assets"
    payment, company = (assets / "payment").read_bytes(), (assets / "company").read_bytes()
    (assets / "payment").write_bytes(company)
    (assets / "company").write_bytes(payment)
    assert differing(world.compare(model_dir=str(assets.parent))) == {"payment", "company"} | SERVING


def test_an_asset_edited_after_export(world: World) -> None:
    vocabulary = world.copy_model() / "assets" / "company"
    words = vocabulary.read_text().splitlines()
    vocabulary.write_text("\n".join([words[1], words[0], *words[2:]]) + "\n")
    report = world.compare(model_dir=str(vocabulary.parents[1]))
    assert differing(report) == {"company"} | SERVING
    moved = sum((row["company"] or "(missing)") in words[:2] for row in handmade.ROWS)
    assert reason(report, "feature company").startswith(f"feature company: {moved} of {ROWS} rows are {EQUAL}; ")


@pytest.mark.parametrize("missing", [{"number": 0, "string": ""}, {"number": -(2**53), "string": "none"}])
def test_serving_raw_and_its_client_spell_missing_values_differently(world: World, missing: dict[str, object]) -> None:
    report = world.compare(exported=ExportedHere(world.model_dir, [world.raw], missing))
    assert not report.blessed
    assert differing(report) == {"serving_raw"}


def test_predictions_that_depend_on_the_batch(world: World) -> None:
    model = handmade.build_model(looks_at_batch=True)
    model_dir = world.export(model, world.graph)
    report = world.compare(model_dir=model_dir, batch_path=batch_path_of(world.transformed, model))
    assert not report.blessed
    rules = {c["rule"] for c in report.as_dict()["comparisons"] if c["differences"]}
    assert rules == {WITHIN}
    found = reason(report, "serving_raw, batch size 1 against 512")
    assert f"{ROWS} of {ROWS} rows are not {WITHIN}; worst at row " in found
    assert ": at batch size 512 0." in found
    assert ", at batch size 1 0." in found
