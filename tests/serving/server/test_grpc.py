"""What the gRPC port answers, asked over the wire with the official stubs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import descriptor_pool, message_factory, text_format
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    predict_pb2,
    regression_pb2,
)
from tensorflow_serving.config import model_server_config_pb2

from serving.server import tensors
from tests.serving.running_server import RunningServer, running
from tests.serving.server.saved_models import save_counter, save_echo, save_failing, save_line, save_pair

pytestmark = pytest.mark.pipeline
INVALID, NOT_FOUND = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND
CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models by name, and the config file that lists them."""
    base = tmp_path_factory.mktemp("models")
    save_line(base / "line", 3, slope=3)
    save_line(base / "line", 4, slope=4)
    save_echo(base / "texts", tf.string)
    save_pair(base / "pair")
    save_counter(base / "counter")
    save_failing(base / "failing")
    labels = 'version_labels { key: "stable" value: 3 } version_labels { key: "canary" value: 4 }'
    entries = dict.fromkeys(("texts", "pair", "counter", "failing"), "")
    entries["line"] = f"model_version_policy {{ all {{}} }} {labels}"
    config = "".join(
        f'config {{ name: "{name}" base_path: "{base / name}" model_platform: "tensorflow" {more} }}'
        for name, more in entries.items()
    )
    (base / "models.config").write_text(f"model_config_list {{ {config} }}")
    return base


@pytest.fixture(scope="module")
def server(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running(
        tmp_path_factory.mktemp("log"),
        f"--model_config_file={base / 'models.config'}",
        "--allow_version_labels_for_unavailable_models",
    ) as server:
        server.wait_for(lambda: server.states("line") == {3: "AVAILABLE", 4: "AVAILABLE"})
        yield server


def failure(call: Callable[..., object], request: object) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as error:
        call(request, timeout=60)
    return error.value.code(), error.value.details()


def ask(server: RunningServer, inputs: dict[str, object], filters: tuple[str, ...] = (), **spec: object):
    request = server.predict(**spec)
    for name, value in inputs.items():
        proto = value if isinstance(value, tensor_pb2.TensorProto) else tensors.to_proto(as_array(value))
        request.inputs[name].CopyFrom(proto)
    request.output_filter.extend(filters)
    return request


def as_array(value: object) -> np.ndarray:
    """With float32 for Python's floats, and objects for strings, which numpy would cut at a zero byte."""
    array = np.array(value)
    if array.dtype.kind == "S":
        return np.array(value, object)
    if array.dtype.kind == "U":
        return np.char.encode(array).astype(object)
    return array.astype(np.float32) if array.dtype == np.float64 else array


def answer(server: RunningServer, inputs: dict[str, object], **spec: object) -> dict[str, list[object]]:
    response = server.prediction.Predict(ask(server, inputs, **spec), timeout=60)
    return {name: tf.make_ndarray(proto).tolist() for name, proto in response.outputs.items()}


# --- Predict.


def test_predict_echoes_what_answered(server: RunningServer) -> None:
    response = server.prediction.Predict(ask(server, {"x": np.float32(1.5)}, name="line"), timeout=60)
    assert text_format.MessageToString(response, as_one_line=True) == (
        'outputs { key: "y" value { dtype: DT_FLOAT tensor_shape { } float_val: 6.5 } } '
        'model_spec { name: "line" version { value: 4 } signature_name: "serving_default" }'
    )


@pytest.mark.parametrize(
    ("spec", "version"),
    [({}, 4), ({"version": 3}, 3), ({"version_label": "stable"}, 3), ({"version_label": "canary"}, 4)],
)
def test_predict_by_version_and_label(server: RunningServer, spec: dict[str, object], version: int) -> None:
    response = server.prediction.Predict(ask(server, {"x": [[1.0], [2.0]]}, name="line", **spec), timeout=60)
    assert response.model_spec.version.value == version
    assert list(response.outputs["y"].float_val) == [version + 0.5, 2 * version + 0.5]


def test_predict_strings_several_outputs_and_filters(server: RunningServer) -> None:
    assert answer(server, {"value": np.array([b"\xff\x00", b"Loop"], object)}, name="texts") == {
        "same": [b"\xff\x00", b"Loop"]
    }
    assert answer(server, {"value": np.array(b"one", object)}, name="texts") == {"same": b"one"}
    inputs = {"number": np.array([4, 5], np.int32), "word": [b"a", b"b"]}
    assert answer(server, inputs, name="pair") == {"number": [4, 5], "word": [b"a", b"b"], "word_bytes": [b"a", b"b"]}
    assert answer(server, inputs, name="pair", filters=("word", "number")) == {"word": [b"a", b"b"], "number": [4, 5]}
    assert answer(server, inputs, name="pair", signature_name="sums") == {"total": 9}


def test_state_lasts_and_no_inputs_are_fine(server: RunningServer) -> None:
    before = answer(server, {}, name="counter", signature_name="read")["count"]
    assert answer(server, {"step": np.int64(6)}, name="counter") == {"count": before + 6}
    assert answer(server, {}, name="counter", signature_name="read") == {"count": before + 6}


def test_predict_works_on_every_kind_of_signature(server: RunningServer) -> None:
    example = tf.train.Example()
    example.features.feature["x"].float_list.value.append(2)
    inputs = {"inputs": [example.SerializeToString()]}
    assert answer(server, inputs, name="line", signature_name="regress_x", version=3) == {"outputs": [[6.5]]}


@pytest.mark.parametrize(
    ("inputs", "options", "code", "said"),
    [
        ({}, {"name": "line"}, INVALID, "input size does not match signature: 0!=1"),
        ({"a": 1.0, "b": 1.0}, {"name": "line"}, INVALID, "Sent extra: {a,b}. Missing but required: {x}"),
        ({"x": True}, {"name": "line"}, INVALID, "Expects arg[0] to be float but bool is provided"),
        ({"x": ["1"]}, {"name": "line"}, INVALID, "to be float but string is provided"),
        ({"x": 1.0}, {"name": "line", "filters": ("z",)}, INVALID, "output tensor alias not found in signature: z"),
        ({"x": 1.0}, {"name": "line", "filters": ("y", "y")}, INVALID, "duplicate output tensor alias: y"),
        ({"x": 1.0}, {"name": "none"}, NOT_FOUND, "Servable not found for request: Latest(none)"),
        ({"x": 1.0}, {"name": "line", "version": 9}, NOT_FOUND, "Servable not found for request: Specific(line, 9)"),
        ({"x": 1.0}, {"name": "line", "version_label": "no"}, INVALID, "Unrecognized servable version label: no"),
        (
            {"x": 1.0},
            {"name": "line", "signature_name": "no"},
            grpc.StatusCode.FAILED_PRECONDITION,
            'Serving signature key "no" not found.',
        ),
        ({"x": [-1.0]}, {"name": "failing"}, INVALID, "x must not be negative"),
    ],
)
def test_predict_refuses(
    server: RunningServer, inputs: dict[str, object], options: dict[str, object], code: grpc.StatusCode, said: str
) -> None:
    received, message = failure(server.prediction.Predict, ask(server, inputs, **options))  # type: ignore[arg-type]
    assert received == code
    assert said in message


def test_a_models_own_failure_keeps_its_code(server: RunningServer, base: Path) -> None:
    request = ask(
        server,
        {"path": np.array(str(base / "line" / "3" / "saved_model.pb").encode(), object)},
        name="failing",
        signature_name="lost",
    )
    assert failure(server.prediction.Predict, request)[0] == grpc.StatusCode.DATA_LOSS


def test_missing_specs(server: RunningServer) -> None:
    empty = predict_pb2.PredictRequest()
    assert failure(server.prediction.Predict, empty) == (INVALID, "Missing ModelSpec")
    for call, request in [
        (server.prediction.Classify, classification_pb2.ClassificationRequest()),
        (server.prediction.Regress, regression_pb2.RegressionRequest()),
        (server.prediction.GetModelMetadata, get_model_metadata_pb2.GetModelMetadataRequest()),
        (server.models.GetModelStatus, get_model_status_pb2.GetModelStatusRequest()),
    ]:
        assert failure(call, request)[0] == INVALID
        request.model_spec.SetInParent()
        if hasattr(request, "metadata_field"):
            request.metadata_field.append("signature_def")
        assert failure(call, request)[0] == INVALID
        request.model_spec.name = "none"
        assert failure(call, request)[0] == NOT_FOUND


# --- Classify, Regress, MultiInference.


def with_examples(request, *values: float, context: float | None = None):
    listed = request.input.example_list if context is None else request.input.example_list_with_context
    if context is not None:
        listed.context.features.feature["x"].float_list.value.append(context)
    for value in values:
        example = listed.examples.add()
        if value is not None:
            example.features.feature["x"].float_list.value.append(value)
    return request


def test_regress(server: RunningServer) -> None:
    request = with_examples(regression_pb2.RegressionRequest(), 1, 2)
    request.model_spec.name, request.model_spec.signature_name = "line", "regress_x"
    response = server.prediction.Regress(request, timeout=60)
    assert [row.value for row in response.result.regressions] == [4.5, 8.5]
    assert (response.model_spec.version.value, response.model_spec.signature_name) == (4, "regress_x")


def test_classify_with_and_without_labels(server: RunningServer) -> None:
    request = with_examples(classification_pb2.ClassificationRequest(), 1)
    request.model_spec.name, request.model_spec.signature_name = "line", "classify_labels"
    (row,) = server.prediction.Classify(request, timeout=60).result.classifications
    assert [(entry.label, entry.score) for entry in row.classes] == [("low", 4.5), ("high", 5.5)]
    request.model_spec.signature_name = "classify_scores"
    (row,) = server.prediction.Classify(request, timeout=60).result.classifications
    assert [(entry.label, entry.score) for entry in row.classes] == [("", 4.5), ("", 5.5)]


def test_the_context_counts_for_each_example(server: RunningServer) -> None:
    request = with_examples(regression_pb2.RegressionRequest(), None, 2, context=10)  # type: ignore[arg-type]
    request.model_spec.name, request.model_spec.signature_name = "line", "regress_x"
    rows = server.prediction.Regress(request, timeout=60).result.regressions
    assert [row.value for row in rows] == [40.5, 8.5]


def test_classify_and_regress_refuse(server: RunningServer) -> None:
    for request, call in [
        (classification_pb2.ClassificationRequest(), server.prediction.Classify),
        (regression_pb2.RegressionRequest(), server.prediction.Regress),
    ]:
        request.model_spec.name = "line"
        request.model_spec.signature_name = "no"
        assert failure(call, request) == (INVALID, "No signature was found with the name: no")
        request.model_spec.signature_name = "serving_default"
        assert "inputs found in SignatureDef" in failure(call, request)[1]
        kind = "regress_x" if isinstance(request, regression_pb2.RegressionRequest) else "classify_scores"
        request.model_spec.signature_name = kind
        assert failure(call, request) == (INVALID, "Input is empty.")


def multi(*tasks: tuple[str, str, str]) -> inference_pb2.MultiInferenceRequest:
    request = with_examples(inference_pb2.MultiInferenceRequest(), 1)
    for model, signature, method in tasks:
        task = request.tasks.add(method_name=method)
        task.model_spec.name, task.model_spec.signature_name = model, signature
    return request


def test_multi_inference(server: RunningServer) -> None:
    request = multi(("line", "regress_x", REGRESS), ("line", "classify_scores", CLASSIFY))
    regressed, classified = server.prediction.MultiInference(request, timeout=60).results
    assert [row.value for row in regressed.regression_result.regressions] == [4.5]
    assert [entry.score for entry in classified.classification_result.classifications[0].classes] == [4.5, 5.5]
    assert (regressed.model_spec.version.value, classified.model_spec.signature_name) == (4, "classify_scores")


@pytest.mark.parametrize(
    ("tasks", "code", "said"),
    [
        ([], INVALID, "ModelSpec has no name specified."),
        ([("line", "regress_x", REGRESS), ("pair", "x", REGRESS)], INVALID, "must access the same model name"),
        (
            [("line", "regress_x", REGRESS), ("line", "regress_x", REGRESS)],
            INVALID,
            "Duplicate evaluation of signature",
        ),
        (
            [("line", "regress_x", "tensorflow/serving/predict")],
            grpc.StatusCode.UNIMPLEMENTED,
            "Unsupported signature method_name: tensorflow/serving/predict",
        ),
    ],
)
def test_multi_inference_refuses(
    server: RunningServer, tasks: list[tuple[str, str, str]], code: grpc.StatusCode, said: str
) -> None:
    received, message = failure(server.prediction.MultiInference, multi(*tasks))
    assert received == code
    assert said in message


# --- Metadata, status, health, reload.


def test_metadata(server: RunningServer) -> None:
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "pair"
    response = server.prediction.GetModelMetadata(request, timeout=60)
    assert (response.model_spec.version.value, response.model_spec.signature_name) == (1, "")
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    inputs = signatures.signature_def["sums"].inputs
    assert {name: info.dtype for name, info in inputs.items()} == {
        "number": tf.int32.as_datatype_enum,
        "word": tf.string.as_datatype_enum,
    }
    request.metadata_field.append("weights")
    assert "Metadata field weights is not supported" in failure(server.prediction.GetModelMetadata, request)[1]
    del request.metadata_field[:]
    assert failure(server.prediction.GetModelMetadata, request)[0] == INVALID


def test_status(server: RunningServer) -> None:
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "line"
    rows = server.models.GetModelStatus(request, timeout=60).model_version_status
    assert [(row.version, row.state, row.status.error_code, row.status.error_message) for row in rows] == [
        (4, 30, 0, ""),
        (3, 30, 0, ""),
    ]
    request.model_spec.version.value = 3
    (row,) = server.models.GetModelStatus(request, timeout=60).model_version_status
    assert row.version == 3


def test_health(server: RunningServer) -> None:
    stub = health_pb2_grpc.HealthStub(server.channel)
    for name in ("", "tensorflow.serving.PredictionService", "tensorflow.serving.ModelService"):
        answered = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=60)
        assert answered.status == health_pb2.HealthCheckResponse.SERVING
    code, _ = failure(stub.Check, health_pb2.HealthCheckRequest(service="tensorflow.serving.SessionService"))
    assert code is NOT_FOUND


def test_reflection(server: RunningServer) -> None:
    """A client that has no stub learns services and messages from the server, and calls with what it learned."""
    known = ProtoReflectionDescriptorDatabase(server.channel)
    assert {"tensorflow.serving.PredictionService", "tensorflow.serving.ModelService"} <= set(known.get_services())
    pool = descriptor_pool.DescriptorPool(known)
    method = pool.FindServiceByName("tensorflow.serving.PredictionService").methods_by_name["Regress"]
    request = message_factory.GetMessageClass(method.input_type)()
    request.model_spec.name = "line"
    request.model_spec.signature_name = "regress_x"
    request.model_spec.version.value = 3
    request.input.example_list.examples.add().features.feature["x"].float_list.value.append(2)
    call = server.channel.unary_unary(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=lambda sent: sent.SerializeToString(),
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )
    assert [found.value for found in call(request, timeout=60).result.regressions] == [6.5]


def test_a_reload_without_models_is_refused(server: RunningServer) -> None:
    status = server.reload(model_server_config_pb2.ModelServerConfig()).status
    assert status.error_code == INVALID.value[0]
    assert "Only ModelConfigList is currently supported" in status.error_message


def test_an_example_that_is_none(server: RunningServer) -> None:
    """TensorFlow's message quotes the bytes, which are no UTF-8."""
    request = ask(server, {"examples": [b"\xff\xff"]}, name="line", signature_name="predict_x")
    code, message = failure(server.prediction.Predict, request)
    assert (code, "Could not parse example input, value: '\ufffd\ufffd'" in message) == (INVALID, True), message


def test_a_long_error_keeps_its_code(server: RunningServer) -> None:
    request = ask(server, {"examples": [b"\xff" * 1_000_000]}, name="line", signature_name="predict_x")
    code, message = failure(server.prediction.Predict, request)
    assert code is INVALID
    assert message.startswith("Could not parse example input")
    assert message.endswith("...TRUNCATED")
    request = ask(server, {}, name="ä" * 10_000)
    code, message = failure(server.prediction.Predict, request)
    assert (code, len(message.encode()) <= 1024 + len("...TRUNCATED")) == (NOT_FOUND, True)


def test_reload_answers_errors_in_its_status(server: RunningServer, base: Path) -> None:
    config = text_format.Parse((base / "models.config").read_text(), model_server_config_pb2.ModelServerConfig())
    config.model_config_list.config[-1].version_labels["stable"] = 9
    status = server.reload(config).status
    assert status.error_code == grpc.StatusCode.FAILED_PRECONDITION.value[0]
    assert "which is not currently available for inference" in status.error_message
    config.model_config_list.config[-1].version_labels["stable"] = 3
    assert server.reload(config).status.error_code == 0
    config.model_config_list.config[0].base_path = "models"
    assert "absolute path or URI" in server.reload(config).status.error_message
    config.model_config_list.config[0].base_path = "/mo\0dels"
    assert "absolute path or URI" in server.reload(config).status.error_message
    assert answer(server, {"x": np.float32(2)}, name="line") == {"y": 8.5}


# --- Nothing that a caller can send is an error of the server's own.

OWN_FAULT = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE}


def tensor(
    dtype: int, sizes: list[int], floats: list[float], strings: list[bytes], content: bytes
) -> tensor_pb2.TensorProto:
    proto = tensor_pb2.TensorProto(dtype=dtype, float_val=floats, string_val=strings, tensor_content=content)  # type: ignore[arg-type]
    for size in sizes:
        proto.tensor_shape.dim.add(size=size)
    return proto


TENSORS = st.builds(
    tensor,
    st.sampled_from([0, 1, 3, 7, 9, 19, 20, 21]),
    st.lists(st.integers(-1, 2**40), max_size=3),
    st.lists(st.floats(width=32), max_size=3),
    st.lists(st.binary(max_size=200), max_size=2),
    st.binary(max_size=8),
)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(
    name=st.sampled_from(["line", "pair", "texts", "failing", "", "\x00", "Ünïcode"]),
    signature=st.sampled_from(["", "serving_default", "regress_x", "__saved_model_init_op", "💥"]),
    version=st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
    inputs=st.dictionaries(
        st.sampled_from(["x", "number", "word", "value", "path", "", "inputs"]), TENSORS, max_size=3
    ),
    filters=st.lists(st.sampled_from(["y", "same", "nope"]), max_size=2),
)
def test_no_request_is_the_servers_fault(
    server: RunningServer,
    name: str,
    signature: str,
    version: int | None,
    inputs: dict[str, tensor_pb2.TensorProto],
    filters: list[str],
) -> None:
    spec = {"name": name, "signature_name": signature} | ({} if version is None else {"version": version})
    try:
        server.prediction.Predict(ask(server, inputs, tuple(filters), **spec), timeout=60)  # type: ignore[arg-type]
    except grpc.RpcError as error:
        assert error.code() not in OWN_FAULT, error.details()  # noqa: PT017


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    st.sampled_from(["Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata"]), st.binary(max_size=80)
)
def test_no_bytes_kill_the_server(server: RunningServer, method: str, data: bytes) -> None:
    call = server.channel.unary_unary(f"/tensorflow.serving.PredictionService/{method}")
    with pytest.raises(grpc.RpcError) as error:
        call(data, timeout=60)
    assert error.value.code() in {INVALID, NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED}
    assert answer(server, {"x": np.float32(2)}, name="line") == {"y": 8.5}
