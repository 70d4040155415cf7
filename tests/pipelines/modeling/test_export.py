"""The exported model: what it answers, what it says of "missing", and what it refuses to be."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.missing_rule import MissingRule
from pipelines.modeling.export import ExportError, ServedModel, export_model, feature_spec, in_float32
from tests import handmade

pytestmark = pytest.mark.slow

MISSING = {"miles": -float(2**53), "seconds": -(2**53), "company": b""}
Signature = Callable[..., dict[str, tf.Tensor]]


@pytest.fixture(scope="module")
def signatures(handmade_export: Path) -> dict[str, Signature]:
    model = tf.saved_model.load(str(handmade_export))
    signatures = dict(model.signatures)
    signatures["keeps"] = model  # alive
    return signatures


def absent(rows: list[handmade.Row], names: tuple[str, ...]) -> list[handmade.Row]:
    """The rows of a request, without the label's column, and with `names` missing."""
    return [{k: None if k in names else v for k, v in row.items() if k != "tips"} for row in rows]


def ask_default(signatures: dict[str, Signature], rows: list[handmade.Row]) -> np.ndarray:
    examples = tf.constant([handmade.to_example(row) for row in rows])
    return signatures["serving_default"](examples=examples)["predictions"].numpy()


def ask_raw(signatures: dict[str, Signature], rows: list[handmade.Row]) -> np.ndarray:
    inputs = signatures["serving_raw"].structured_input_signature[1]
    columns = {
        name: tf.constant([MISSING[name] if row[name] is None else row[name] for row in rows], spec.dtype)
        for name, spec in inputs.items()
    }
    return signatures["serving_raw"](**columns)["predictions"].numpy()


def test_signatures(signatures: dict[str, Signature]) -> None:
    def inputs(name: str) -> dict[str, tuple[list[int | None], str]]:
        specs = signatures[name].structured_input_signature[1]
        return {key: (spec.shape.as_list(), spec.dtype.name) for key, spec in specs.items()}

    assert inputs("serving_default") == inputs("transform_features") == {"examples": ([None], "string")}
    assert inputs("serving_raw") == {
        "fare": ([None], "float32"),
        "hour": ([None], "int64"),
        "payment": ([None], "string"),
        "miles": ([None], "float32"),
        "seconds": ([None], "int64"),
        "company": ([None], "string"),
    }
    for name in ("serving_default", "serving_raw"):
        (output,) = signatures[name].structured_outputs.values()
        assert (output.name, output.shape.as_list(), output.dtype) == ("predictions", [None, 1], tf.float32)
    assert sorted(signatures["transform_features"].structured_outputs) == [
        *("big_tip", "company", "company_name", "fare", "hour", "miles", "miles_missing", "payment", "seconds")
    ]


def test_answers_in_a_session_which_is_how_tensorflow_serving_runs_it(
    handmade_export: Path, signatures: dict[str, Signature]
) -> None:
    rows = absent(handmade.ROWS, ())
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        loaded = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(handmade_export))
        signature = loaded.signature_def["serving_default"]
        examples = [handmade.to_example(row) for row in rows]
        answer = session.run(
            signature.outputs["predictions"].name, {signature.inputs["examples"].name: np.array(examples, object)}
        )
    np.testing.assert_allclose(answer, ask_default(signatures, rows), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "names",
    [(), *((name,) for name in handmade.OPTIONAL), handmade.OPTIONAL],
    ids=lambda names: "+".join(names) or "none",
)
def test_missing_spelled_out_is_missing_bit_for_bit(signatures: dict[str, Signature], names: tuple[str, ...]) -> None:
    rows = absent(handmade.ROWS, names)
    plain, parsed = ask_raw(signatures, rows), ask_default(signatures, rows)
    assert plain.tobytes() == parsed.tobytes()
    assert plain.shape == (len(rows), 1)


@pytest.mark.parametrize("name", ["miles", "company"])
def test_missing_is_not_just_any_value(signatures: dict[str, Signature], name: str) -> None:
    present = [row for row in handmade.ROWS if row[name] is not None]
    with_it, without = (ask_raw(signatures, absent(present, names)) for names in ((), (name,)))
    assert (with_it != without).mean() > 0.9


def test_one_row_alone(signatures: dict[str, Signature]) -> None:
    for row in absent(handmade.ROWS[:4], ()):
        assert ask_raw(signatures, [row]).tobytes() == ask_default(signatures, [row]).tobytes()


@pytest.mark.parametrize(
    ("name", "value"), [("fare", -float(2**53)), ("hour", -(2**53)), ("payment", "")], ids=["float", "int", "string"]
)
def test_required_feature_sent_as_missing(signatures: dict[str, Signature], name: str, value: object) -> None:
    rows = absent(handmade.ROWS[:3], ())
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name} is required, and was sent as missing"):
        ask_raw(signatures, [rows[0], rows[1] | {name: value}])


def test_contract_travels_with_the_model(handmade_export: Path) -> None:
    text = (handmade_export / "assets.extra" / "schema.pbtxt").read_text()
    contract = text_format.Parse(text, schema_pb2.Schema())
    assert contract == handmade.CONTRACT
    assert MissingRule.from_schema(contract) == MissingRule(number=-(2**53), string="")


def test_trained_model_lies_in_the_run(handmade_export: Path) -> None:
    loaded = keras.saving.load_model(handmade_export.parent / "run" / "trained.keras")
    for ours, theirs in zip(handmade.build_model().get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_feature_spec_of_an_environment() -> None:
    whole, request = feature_spec(handmade.CONTRACT), feature_spec(handmade.CONTRACT, "SERVING")
    assert set(whole) - set(request) == {"tips"}
    assert request["fare"] == tf.io.FixedLenFeature([1], tf.float32)
    assert request["company"] == tf.io.VarLenFeature(tf.string)


def refusal(graph: str, change: Callable[[schema_pb2.Feature], object], name: str, rule: str = "") -> str:
    """What is said of a contract in which one feature was changed, or the missing rule."""
    contract = schema_pb2.Schema()
    contract.CopyFrom(handmade.CONTRACT)
    (feature,) = (feature for feature in contract.feature if feature.name == name)
    change(feature)
    if rule:
        del contract.annotation.tag[:]
        contract.annotation.tag.extend([rule, "missing_string:"])
    with pytest.raises(ExportError) as error:
        ServedModel(handmade.build_model(), tft.TFTransformOutput(graph), contract).signatures()
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "domain", "rule", "spelling"),
    [
        ("miles", "float_domain { min: -1e16 max: 100 }", "", "-9007199254740992"),
        ("miles", "float_domain { max: 100 }", "", "-9007199254740992"),
        ("hour", "int_domain { min: 0 }", "missing_number:8", "8"),
        ("hour", "int_domain { min: 0 max: 23 }", "missing_number:23", "23"),
        ("company", 'string_domain { name: "company" value: "" value: "a" }', "", "''"),
    ],
    ids=["float", "open below", "open above", "integer", "string"],
)
def test_missing_may_not_spell_a_value(
    handmade_transform: tuple[str, str], name: str, domain: str, rule: str, spelling: str
) -> None:
    def set_domain(feature: schema_pb2.Feature) -> None:
        if which := feature.WhichOneof("domain_info"):
            feature.ClearField(which)
        text_format.Merge(domain, feature)

    found = refusal(handmade_transform[0], set_domain, name, rule)
    tag = "missing_string" if name == "company" else "missing_number"
    assert found == (
        f"serving_raw spells a missing value {spelling}, which the contract allows as a value of {name}: "
        f"narrow its domain, or change the tag {tag}."
    )


SEVERAL = {
    "any number of values": "",
    "up to two": "value_count { min: 1 max: 2 }",
    "always two": "presence { min_fraction: 1 } shape { dim { size: 2 } }",
}


@pytest.mark.parametrize("values", SEVERAL.values(), ids=SEVERAL.keys())
def test_several_values_cannot_be_sent_plain(handmade_transform: tuple[str, str], values: str) -> None:
    def change(feature: schema_pb2.Feature) -> None:
        feature.ClearField("value_count")
        text_format.Merge(values, feature)

    assert refusal(handmade_transform[0], change, "miles") == (
        "serving_raw takes one plain value per feature, and the contract does not say that miles has one: "
        "give it shape { dim { size: 1 } } if every row has it, else value_count { min: 1 max: 1 }."
    )


def mixed_model() -> keras.Model:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = handmade.build_model()
        model.compile(optimizer="sgd", loss="binary_crossentropy")
        return model
    finally:
        keras.config.set_dtype_policy("float32")


def compute_dtypes(model: keras.Model) -> set[str]:
    return {layer.compute_dtype for layer in model.layers}


def test_a_model_in_float32_is_left_alone() -> None:
    model = handmade.build_model()
    assert in_float32(model) is model


def test_mixed_precision_ends_with_the_training() -> None:
    mixed, plain = mixed_model(), handmade.build_model()
    assert "bfloat16" in compute_dtypes(mixed)
    rebuilt = in_float32(mixed)
    assert compute_dtypes(rebuilt) == {"float32"}
    features = {tensor.name: np.ones((2, 1), tensor.dtype) for tensor in plain.inputs}
    assert np.asarray(rebuilt(features)).tobytes() == np.asarray(plain(features)).tobytes()
    assert np.asarray(rebuilt(features)).tobytes() != np.asarray(mixed(features)).tobytes()


def test_a_mixed_model_is_served_in_float32(
    signatures: dict[str, Signature], handmade_transform: tuple[str, str], tmp_path: Path
) -> None:
    args = handmade.fn_args(tmp_path, handmade_transform[0])
    export_model(mixed_model(), args)
    served = tf.saved_model.load(args.serving_model_dir)
    rows = absent(handmade.ROWS, ())
    assert ask_default(served.signatures, rows).tobytes() == ask_default(signatures, rows).tobytes()
    trained = keras.saving.load_model(Path(args.model_run_dir) / "trained.keras")
    assert compute_dtypes(trained) == {"float32"}
