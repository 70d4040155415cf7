"""The model server's own files: what they say, and that the others rely on what they say."""

import re
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.gateway import settings as gateway_settings
from serving.rollout.models_config import Assignment, ModelsConfig
from serving.server import config
from serving.server.errors import ServingError
from tests.serving.deploy import files
from tests.serving.deploy.files import MODEL_SERVER, OVERLAYS, ROOT

MODELS = (MODEL_SERVER / "models.config").read_text()
STABLE, CANARY = 1795253025, 1795339425  # in the example of the comment


def parsed(text: str) -> Any:
    return text_format.Parse(text, model_server_config_pb2.ModelServerConfig())


def the_model() -> Any:
    (model,) = parsed(MODELS).model_config_list.config
    return model


def test_before_the_first_roll_out_the_newest_version_is_served() -> None:
    model = the_model()
    assert (model.name, model.model_platform) == ("taxi", "tensorflow")
    assert not model.HasField("model_version_policy")
    assert dict(model.version_labels) == {}, "no version is known yet"
    assert list(config.models_by_name(config.read_models(MODEL_SERVER / "models.config"))) == ["taxi"]


def test_the_comment_shows_what_the_roll_out_command_leaves() -> None:
    example = re.search(r"^#   model_config_list \{\n(#   .*\n)+#   \}\n", MODELS, flags=re.MULTILINE)
    assert example
    shown = parsed(example[0].replace("#", ""))
    shipped = ModelsConfig(Path("models.config"), MODELS)
    left = shipped.assigning("taxi", Assignment.trial(STABLE, CANARY))
    assert shown.SerializeToString(deterministic=True) == parsed(left.text).SerializeToString(deterministic=True)
    assert dict(shown.model_config_list.config[0].version_labels) == {"stable": STABLE, "canary": CANARY}
    comment = MODELS[: MODELS.index("\nmodel_config_list")]
    assert left.text.startswith(comment), "and the comment stays"


def test_the_model_has_one_name_and_lies_where_it_is_mounted() -> None:
    model = the_model()
    assert gateway_settings.load(ROOT / "serving" / "gateway" / "taxi.toml", {}).model.name == model.name
    metadata = f"/v1/models/{model.name}/metadata"
    for overlay in OVERLAYS:
        container = files.container(overlay, "model-server")
        assert container["startupProbe"]["httpGet"]["path"] == metadata
        assert container["readinessProbe"]["httpGet"]["path"] == metadata
        assert "/models" in {mount["mountPath"] for mount in container["volumeMounts"]}
    service = files.service("model-server")
    assert f"GET {metadata} HTTP/1.1" in service["healthcheck"]["test"][-1]
    assert any(volume.endswith(":/models:ro") for volume in service["volumes"])
    assert model.base_path == f"/models/{model.name}", "as the Pusher lays it out below the mounted folder"


def test_batching_takes_what_the_gateway_lets_through() -> None:
    batching = config.read_batching(MODEL_SERVER / "batching.config")
    assert (batching.max_batch_size.value, batching.batch_timeout_micros.value) == (1024, 1000)
    assert list(batching.allowed_batch_sizes) == [1, 8, 64, 256, 1024]
    rows = gateway_settings.load(ROOT / "serving" / "gateway" / "taxi.toml", {}).limits.rows
    assert rows <= batching.max_batch_size.value
    container = files.container("production", "model-server")
    cores = int(container["resources"]["requests"]["cpu"])
    given = files.flags(container["args"])
    assert batching.num_batch_threads.value == cores
    assert given["tensorflow_intra_op_parallelism"] == given["tensorflow_inter_op_parallelism"] == str(cores)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (("max_batch_size { value: 1024 }", "max_batch_size { value: 512 }"), "must match max_batch_size"),
        (("num_batch_threads", "num_batch_thread"), 'no field named "num_batch_thread"'),
    ],
)
def test_a_fault_in_batching_is_noticed(fault: tuple[str, str], message: str, tmp_path: Path) -> None:
    path = tmp_path / "batching.config"
    path.write_text((MODEL_SERVER / "batching.config").read_text().replace(*fault))
    with pytest.raises(ServingError, match=message):
        config.read_batching(path)


def test_metrics_are_where_they_are_asked_for() -> None:
    path = config.read_monitoring_path(MODEL_SERVER / "monitoring.config")
    (scrape,) = [each for each in files.prometheus()["scrape_configs"] if each["job_name"] == "model-server"]
    assert scrape["metrics_path"] == path
    for overlay in OVERLAYS:
        assert files.container(overlay, "model-server")["livenessProbe"]["httpGet"]["path"] == path
