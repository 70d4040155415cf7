"""Compile a job with TFX's KubeflowV2DagRunner, and set its machines, its cache and its parameters."""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig

from components.artifacts import DataBlessing, ModelComparison
from pipelines.cloud_settings import CloudSettings, CloudSettingsError, NodeResources
from pipelines.config import PipelineConfig
from pipelines.engines.local import LocalEngine
from pipelines.orchestration.vertex import executor
from pipelines.orchestration.vertex.backend import NEVER_CACHED, Places, vertex_backend
from pipelines.orchestration.vertex.options import VertexOptions
from pipelines.resolution import resolve
from pipelines.task_definition.task import load_task
from pipelines.training import create_pipeline

_DEFAULT = "default"  # the table for nodes that have none
_COMMAND = ("python", "-m", executor.__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """A compiled job, and the files that must be in the bucket before it begins."""

    spec: dict[str, Any]  # a PipelineJob as JSON
    places: Places
    uploads: Mapping[Path, str]  # local file -> URI


def compile_job(options: VertexOptions, settings: CloudSettings, root: str | None = None) -> Job:
    """Compile a job.

    Args:
        options: of the command line.
        settings: project, bucket, image and machines.
        root: URI to use instead of the bucket; None: the bucket.

    Returns:
        The job.

    Raises:
        CloudSettingsError: The settings name a node that the job does not have.
        Exception: The options or the task cannot be used; see `resolve`.
    """
    root = root or settings.bucket
    task = load_task(options.task)
    data = (options.data or f"{root}/data/{task.name}").rstrip("/")
    config = resolve(options.as_run(), task, remote_data=data)
    config = dataclasses.replace(config, engine=settings.engine(task.name) or LocalEngine())
    assert config.csv is not None
    uploads = dict(_uploads(config, root))
    places = Places(
        pipeline_root=f"{root}/jobs/{task.name}",
        data=config.csv.folder,
        contract=uploads[config.contract],
        hyperparameters=_folder_of_hyperparameters(config, uploads),
        serving=f"{(options.push_to or f'{root}/serving').rstrip('/')}/{task.name}",
        registry=f"{root}/registry/{task.name}",
    )
    spec = _compile(config, settings, places)
    _place_nodes(spec, settings.nodes)
    return Job(spec=spec, places=places, uploads=uploads)


def _compile(config: PipelineConfig, settings: CloudSettings, places: Places) -> dict[str, Any]:
    runner = KubeflowV2DagRunner(
        KubeflowV2DagRunnerConfig(
            default_image=settings.image, default_commands=list(_COMMAND), use_pipeline_spec_2_1=True
        )
    )
    with _titled_artifact_types():
        pipeline = create_pipeline(config, vertex_backend(config, places.pipeline_root))
        spec: dict[str, Any] = runner.run(pipeline, parameter_values=places.parameter_values(), write_out=False)
    for name, task in spec["pipelineSpec"]["root"]["dag"]["tasks"].items():
        if name in NEVER_CACHED:
            task.pop("cachingOptions", None)
    return spec


@contextlib.contextmanager
def _titled_artifact_types() -> Iterator[None]:
    """Rename this project's artifact types to their import paths while a job is compiled.

    TFX writes the TYPE_NAME into the job as a title, and the container imports the type by that title. The names
    cannot change for good: ML Metadata databases hold them.

    Yields:
        Nothing.
    """
    names = {kind: kind.TYPE_NAME for kind in (DataBlessing, ModelComparison)}
    try:
        for kind, name in names.items():
            kind.TYPE_NAME = f"components.{name}"
        yield
    finally:
        for kind, name in names.items():
            kind.TYPE_NAME = name


def _uploads(config: PipelineConfig, root: str) -> Iterator[tuple[Path, str]]:
    """Yield each local file that the job needs, and its URI; the names hold a digest of the content."""
    yield config.contract, f"{root}/contracts/{config.task.name}/{config.contract.name}"
    if config.hyperparameters is not None:
        folder = f"{root}/hyperparameters/{config.task.name}/{config.hyperparameters.name}"
        for file in sorted(config.hyperparameters.iterdir()):
            yield file, f"{folder}/{file.name}"


def _folder_of_hyperparameters(config: PipelineConfig, uploads: Mapping[Path, str]) -> str | None:
    if config.hyperparameters is None:
        return None
    (folder,) = {uri.rpartition("/")[0] for file, uri in uploads.items() if file.parent == config.hyperparameters}
    return folder


def _place_nodes(spec: dict[str, Any], resources: Mapping[str, NodeResources]) -> None:
    """Write each node's resources into the spec; TFX's own way, with_platform_config, leaves out ExampleGen."""
    pipeline = spec["pipelineSpec"]
    executors = pipeline["deploymentSpec"]["executors"]
    containers = {
        name: executors[pipeline["components"][task["componentRef"]["name"]]["executorLabel"]].get("container")
        for name, task in pipeline["root"]["dag"]["tasks"].items()
    }
    known = {name for name, container in containers.items() if container is not None}
    if unknown := sorted(resources.keys() - known - {_DEFAULT}):
        raise CloudSettingsError(
            f"cloud settings: nodes.{unknown[0]}: expected a node of this job, one of {', '.join(sorted(known))}, or "
            f"{_DEFAULT}; received {unknown[0]!r}"
        )
    for name in known:
        wanted = resources.get(name, resources.get(_DEFAULT))
        if wanted is not None:
            containers[name]["resources"] = _as_resource_spec(wanted)


def _as_resource_spec(wanted: NodeResources) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if wanted.cpu is not None:
        found["cpuLimit"] = wanted.cpu
    if wanted.memory_gib is not None:
        found["memoryLimit"] = wanted.memory_gib * (1 << 30) / 1e9  # the service counts in GB
    if wanted.accelerator is not None:
        found["accelerator"] = {"type": wanted.accelerator, "count": str(wanted.accelerators)}
    return found
