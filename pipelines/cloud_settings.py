"""Read cloud.toml: the project, bucket and image of Google Cloud that a job uses, and the machines of its nodes.

It does not load TFX.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

from pipelines.engines.dataflow import DataflowEngine
from pipelines.engines.errors import EngineError
from pipelines.task_definition.toml_table import TableError, read_toml

DEFAULT_FILE = "cloud.toml"
EXAMPLE = Path(__file__).with_name("cloud.example.toml")
_BUCKET = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_REGION = re.compile(r"[a-z]+-[a-z]+[0-9]+")
_NETWORK = re.compile(r"projects/[0-9]+/global/networks/[a-z0-9-]+")
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")


class CloudSettingsError(ValueError):
    """The settings of Google Cloud are missing or cannot be used."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NodeResources:
    """The least that one node's machine has. Vertex AI picks the smallest machine type that has it."""

    cpu: float | None = None  # cores
    memory_gib: float | None = None  # GiB
    accelerator: str | None = None  # such as NVIDIA_L4; Trainer and Tuner use one
    accelerators: int = 1  # how many

    def __post_init__(self) -> None:
        for name in ("cpu", "memory_gib", "accelerators"):
            number = getattr(self, name)
            if number is not None and number <= 0:
                raise ValueError(f"{name}: expected more than 0, received {number:g}")
        if self.accelerator is not None and not re.fullmatch(r"[A-Z][A-Z0-9_]+", self.accelerator):
            raise ValueError(f"accelerator: expected a type such as NVIDIA_L4, received {self.accelerator!r}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataflowSettings:
    """The table [dataflow]: settings of the workers. Project, region, image and network are those of the whole file."""

    machine_type: str | None = None  # of a worker; None: Dataflow's choice
    max_workers: int | None = None  # None: as many as Dataflow's autoscaling takes
    disk_gib: int | None = None  # of a worker
    subnetwork: str | None = None  # regions/<region>/subnetworks/<name>, or its whole address
    use_public_ips: bool = True  # False: workers reach Google's services by Private Google Access only


@dataclasses.dataclass(frozen=True, kw_only=True)
class CloudSettings:
    """The content of cloud.toml."""

    project: str  # its id
    region: str  # of the job, such as europe-west1
    bucket: str  # gs://…, of the same region
    image: str  # of the pipeline; named by digest, since the image is part of the service's cache key
    service_account: str | None = None  # of nodes and workers; None: Compute Engine's default
    network: str | None = None  # projects/<number>/global/networks/<name>, peered; None: the public network
    kms_key: str | None = None  # encrypts what a job writes; None: a key of Google's
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)  # of jobs, for bills and for finding them
    nodes: Mapping[str, NodeResources] = dataclasses.field(default_factory=dict)  # by node id; "default": all others
    dataflow: DataflowSettings | None = None  # None: Beam runs in the node's own process

    def __post_init__(self) -> None:
        _require("project", self.project, _PROJECT, "the project's id, such as my-project-123")
        _require("region", self.region, _REGION, "a region such as europe-west1")
        _require("bucket", self.bucket, _BUCKET, "a bucket such as gs://my-bucket, without a folder")
        if not self.image or "/" not in self.image:
            raise ValueError(
                f"image: expected an image that Vertex AI can pull, such as "
                f"{self.region}-docker.pkg.dev/{self.project}/pipelines/pipeline@sha256:…, received {self.image!r}"
            )
        if self.network is not None:
            _require("network", self.network, _NETWORK, "projects/<number>/global/networks/<name>")
        if self.service_account is not None and "@" not in self.service_account:
            raise ValueError(f"service_account: expected an e-mail address, received {self.service_account!r}")
        for key, value in self.labels.items():
            _require("labels", key, _LABEL_KEY, "keys of small letters, digits, - and _, a letter first")
            _require(f"labels.{key}", value, _LABEL_VALUE, "small letters, digits, - and _")

    def engine(self, task: str) -> DataflowEngine | None:
        """Return the engine for the nodes that run Beam; None if [dataflow] is missing.

        Args:
            task: the task's name, which becomes a label of the jobs.

        Raises:
            EngineError: Dataflow would refuse the settings.
        """
        if self.dataflow is None:
            return None
        return DataflowEngine(
            project=self.project,
            region=self.region,
            temp_location=f"{self.bucket}/dataflow/temp",
            staging_location=f"{self.bucket}/dataflow/staging",
            sdk_container_image=self.image,
            service_account=self.service_account,
            network=self.network.rpartition("/")[2] if self.network else None,
            kms_key=self.kms_key,
            labels=tuple(({"pipeline": task.replace(".", "-").lower()} | dict(sorted(self.labels.items()))).items()),
            **dataclasses.asdict(self.dataflow),
        )


def read_cloud_settings(path: Path) -> CloudSettings:
    """Read a cloud.toml.

    Returns:
        The checked settings.

    Raises:
        CloudSettingsError: There is no such file, or a setting is invalid.
    """
    if not path.is_file():
        raise CloudSettingsError(
            f"{path}: no such file. Expected the project, region, bucket and image of Google Cloud in it. Copy "
            f"{EXAMPLE.parent.name}/{EXAMPLE.name} there and fill it in (docs/how-to/vertex.md)"
        )
    try:
        return read_toml(path, CloudSettings)
    except TableError as error:
        raise CloudSettingsError(f"{error}; see {EXAMPLE.parent.name}/{EXAMPLE.name}") from error


def read_dataflow_engine(path: Path, task: str) -> DataflowEngine:
    """Read the engine for the nodes that run Beam from a cloud.toml with a table [dataflow].

    Returns:
        The engine.

    Raises:
        EngineError: There is no such file or table, or Dataflow would refuse the settings.
    """
    try:
        engine = read_cloud_settings(path).engine(task)
    except CloudSettingsError as error:
        raise EngineError(str(error)) from error
    if engine is None:
        raise EngineError(f"{path}: expected a table [dataflow], received none; add it; it may be empty")
    return engine


def _require(name: str, value: str, allowed: re.Pattern[str], expected: str) -> None:
    if not allowed.fullmatch(value):
        raise ValueError(f"{name}: expected {expected}, received {value!r}")
