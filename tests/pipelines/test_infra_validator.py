"""InfraValidator as the pipeline configures it, on the embedded server in place of the image: there is no Docker here.

Its own requests, made from raw rows, have to be answered; and a model that does not answer them is not blessed.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tfx.components.infra_validator import executor
from tfx.components.infra_validator.model_server_runners import base_runner
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2, infra_validator_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from pipelines.config import DOCKER
from tests import handmade
from tests.pipelines.test_training import compiled, parameter
from tests.serving import running_server

pytestmark = pytest.mark.pipeline


Servers = dict[str, running_server.RunningServer]


class EmbeddedRunner(base_runner.BaseModelServerRunner):
    """Runs the embedded server where LocalDockerRunner would run the image; one for all validations of one model."""

    def __init__(
        self,
        model_path: str,
        serving_binary: object,
        serving_spec: infra_validator_pb2.ServingSpec,
        servers: Servers,
    ):
        self._base = Path(model_path).parent
        self._model = serving_spec.model_name
        self.image = serving_binary.image
        self._servers = servers

    def __repr__(self) -> str:
        return f"EmbeddedRunner for {self.image}"

    def Start(self) -> None:  # noqa: N802
        if self._model not in self._servers:
            flags = (f"--model_name={self._model}", f"--model_base_path={self._base}", "--max_num_load_retries=0")
            self._servers[self._model] = running_server.start(self._base, *flags)

    def WaitUntilRunning(self, deadline: float) -> None:  # noqa: N802
        assert self._model in self._servers

    def GetEndpoint(self) -> str:  # noqa: N802
        return f"127.0.0.1:{self._servers[self._model].port}"

    def GetLogs(self) -> str:  # noqa: N802
        return ""

    def Stop(self) -> None:  # noqa: N802
        """The next validation asks the same server; the fixture `servers` stops it."""


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """By the name of their model. Every test here serves the same model."""
    servers: Servers = {}
    yield servers
    for server in servers.values():
        server.process.kill()
        server.process.wait()
        server.channel.close()


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch, servers: Servers) -> list[str]:
    """The images that were asked for."""
    asked: list[str] = []

    def create(
        model_path: str, serving_binary: object, serving_spec: infra_validator_pb2.ServingSpec
    ) -> EmbeddedRunner:
        runner = EmbeddedRunner(model_path, serving_binary, serving_spec, servers)
        asked.append(runner.image)
        return runner

    monkeypatch.setattr(executor, "_create_model_server_runner", create)
    return asked


def validated(tmp_path: Path, exported: Path, rows: list[handmade.Row]) -> int:
    """Runs InfraValidator with the parameters of the compiled pipeline; returns its blessing, 0 or 1."""
    node = compiled(tmp_path, DOCKER)["InfraValidator"]
    split = tmp_path / "examples" / "Split-eval"
    split.mkdir(parents=True)
    handmade.write_records(split / "raw-00000-of-00001.gz", map(handmade.to_example, rows))
    shutil.copytree(exported, tmp_path / "model" / "Format-Serving")
    examples, model = standard_artifacts.Examples(), standard_artifacts.Model()
    examples.uri, model.uri = str(tmp_path / "examples"), str(tmp_path / "model")
    examples.split_names = artifact_utils.encode_split_names(["train", "eval"])
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    blessing = standard_artifacts.InfraBlessing()
    blessing.uri = str(tmp_path / "blessing")
    Path(blessing.uri).mkdir()
    validation = infra_validator_pb2.ValidationSpec(num_tries=1, max_loading_time_seconds=int(running_server.PATIENCE))
    properties = {
        "serving_spec": parameter(node, "serving_spec"),
        "request_spec": parameter(node, "request_spec"),
        "validation_spec": proto_utils.proto_to_json(validation),
    }
    context = executor.Executor.Context(tmp_dir=str(tmp_path / "tmp"), unique_id="1")
    executor.Executor(context).Do({"model": [model], "examples": [examples]}, {"blessing": [blessing]}, properties)
    return blessing.get_int_custom_property("blessed")


def test_its_requests_are_answered(tmp_path: Path, handmade_export: Path, images: list[str]) -> None:
    assert validated(tmp_path, handmade_export, handmade.ROWS) == 1
    (image,) = images
    assert image.startswith("tensorflow/serving:")


def test_a_row_that_the_model_does_not_take(tmp_path: Path, handmade_export: Path, images: list[str]) -> None:
    # Only the tenth row lacks what the contract requires: as many are asked.
    rows = [*handmade.ROWS[:9], handmade.ROWS[9] | {"payment": None}]
    assert validated(tmp_path, handmade_export, rows) == 0
    assert len(images) == 1
