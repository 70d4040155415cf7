from pathlib import Path

import grpc
import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.server import config
from serving.server.config_messages_pb2 import BatchingParameters
from serving.server.errors import ServingError

GOOD = 'name: "trips" base_path: "/models/trips" model_platform: "tensorflow"'


def models(*entries: str) -> model_server_config_pb2.ModelServerConfig:
    text = "".join(f"config {{ {entry} }}" for entry in entries)
    return text_format.Parse(f"model_config_list {{ {text} }}", model_server_config_pb2.ModelServerConfig())


def test_a_file_and_the_flags_mean_the_same(tmp_path: Path) -> None:
    file = tmp_path / "models.config"
    file.write_text(f"# comments are fine\nmodel_config_list {{ config {{ {GOOD} }} }}")
    assert config.read_models(file) == config.single_model("trips", "/models/trips")
    assert list(config.models_by_name(config.read_models(file))) == ["trips"]


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([GOOD, GOOD], "Duplicate model name in config: trips"),
        ([GOOD.replace("/models", "models")], "to have an absolute path or URI; got base_path()=models/trips"),
        ([GOOD.replace("/models", "/mo\\000dels")], "to have an absolute path or URI"),
        ([GOOD.replace('"tensorflow"', '"pytorch"')], 'expected model_platform: "tensorflow", received "pytorch"'),
        (['base_path: "/m" model_platform: "tensorflow"'], "a model without a name"),
        ([GOOD + "logging_config { }"], "No request-logger-creator provided"),
    ],
)
def test_what_tensorflow_serving_refuses(entries: list[str], said: str) -> None:
    with pytest.raises(ServingError) as refused:
        config.models_by_name(models(*entries))
    assert said in refused.value.message
    assert refused.value.code == grpc.StatusCode.INVALID_ARGUMENT


def test_a_custom_config_is_refused() -> None:
    custom = model_server_config_pb2.ModelServerConfig()
    custom.custom_model_config.SetInParent()
    with pytest.raises(ServingError, match="custom_model_config is not supported"):
        config.models_by_name(custom)


@pytest.mark.parametrize("text", ["model_config_list {", "no_such_field: 3", "\x00\xff"])
def test_an_unparsable_file_names_itself_and_the_place(tmp_path: Path, text: str) -> None:
    file = tmp_path / "models.config"
    file.write_text(text)
    with pytest.raises(ServingError, match=r"Error parsing text-format tensorflow.serving.ModelServerConfig: .*models"):
        config.read_models(file)


def test_an_absent_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        ServingError, match=r"cannot read .*none.config.*expected a tensorflow.serving.ModelServerConfig"
    ):
        config.read_models(tmp_path / "none.config")


def test_batching_defaults_and_values(tmp_path: Path) -> None:
    file = tmp_path / "batching.config"
    file.write_text("batch_timeout_micros { value: 250 }")
    assert config.read_batching(file).max_batch_size.value == 1000
    file.write_text("max_batch_size { value: 48 } allowed_batch_sizes: 6 allowed_batch_sizes: 48")
    assert list(config.read_batching(file).allowed_batch_sizes) == [6, 48]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_batch_size { value: 0 }", "max_batch_size must be positive; was 0"),
        ("num_batch_threads { value: 0 }", "num_batch_threads must be positive; was 0"),
        ("max_enqueued_batches { value: -1 }", "max_enqueued_batches must be positive; was -1"),
        ("batch_timeout_micros { value: -5 }", "batch_timeout_micros must not be negative; was -5"),
        ("max_batch_size { value: 90 } allowed_batch_sizes: 30", "must match max_batch_size; last entry was 30"),
        ("max_batch_size { value: 9 } allowed_batch_sizes: [9, 3, 9]", "must be positive and increasing"),
    ],
)
def test_batching_that_contradicts_itself(text: str, said: str) -> None:
    with pytest.raises(ServingError, match=said):
        config.checked_batching(text_format.Parse(text, BatchingParameters()))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("prometheus_config { enable: true }", "/monitoring/prometheus/metrics"),
        ('prometheus_config { enable: true path: "/m" }', "/m"),
        ("prometheus_config { enable: false }", None),
        ("", None),
    ],
)
def test_where_the_metrics_are(tmp_path: Path, text: str, path: str | None) -> None:
    (tmp_path / "monitoring.config").write_text(text)
    assert config.read_monitoring_path(tmp_path / "monitoring.config") == path
