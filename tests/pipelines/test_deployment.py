"""What the pipeline reads from serving/deploy."""

import re
import shutil
from pathlib import Path

import pytest

from pipelines import deployment
from pipelines.config import ConfigError
from serving.server.errors import ServingError


@pytest.fixture
def deploy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(deployment.DEPLOY, tmp_path / "deploy"))


def test_batch_sizes(deploy: Path) -> None:
    config = deploy / "model_server" / "batching.config"
    config.write_text("max_batch_size { value: 32 } allowed_batch_sizes: 4 allowed_batch_sizes: 32")
    assert deployment.batch_sizes(deploy) == [1, 4, 32]
    config.write_text("max_batch_size { value: 32 }")
    assert deployment.batch_sizes(deploy) == [1]
    config.write_text("max_batch_size { value: 32 } allowed_batch_sizes: 4")
    with pytest.raises(ServingError, match="Last entry in allowed_batch_sizes must match max_batch_size"):
        deployment.batch_sizes(deploy)


def test_tensorflow_serving_tag(deploy: Path) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", deployment.tensorflow_serving_tag())
    assert deployment.tensorflow_serving_tag(deploy) == deployment.tensorflow_serving_tag()
    compose = deploy / "compose.yaml"
    compose.write_text(compose.read_text().replace(":-tensorflow/serving:", ":-example.com/serving:"))
    with pytest.raises(ConfigError) as error:
        deployment.tensorflow_serving_tag(deploy)
    assert str(error.value) == f"{compose}: expected one tag of the image tensorflow/serving, received []"


def test_decision_threshold_is_the_gateways(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('endpoint = "mine"\nthreshold = 0.3\n')
    (tmp_path / "plain.toml").write_text('endpoint = "plain"\n')
    found = {task: deployment.decision_threshold(task, tmp_path) for task in ("mine", "plain", "none")}
    assert found == {"mine": 0.3, "plain": 0.5, "none": 0.5}


def test_decision_threshold_of_a_task_is_what_its_gateway_loads() -> None:
    from serving.gateway.settings import load

    settings = load(deployment.GATEWAY / "taxi.toml", {})
    assert deployment.decision_threshold("taxi") == settings.threshold
