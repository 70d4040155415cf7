"""Run Beam on Google Cloud Dataflow: each Beam node submits a job, whose workers run the pipeline's image."""

import contextlib
import dataclasses
import re

from pipelines.engines.errors import EngineError

_PROJECT = re.compile(
    r"[a-z][a-z0-9-]{4,28}[a-z0-9](\.[a-z]+:[a-z0-9-]+)?|[a-z][a-z0-9.-]*:[a-z][a-z0-9-]{4,28}[a-z0-9]"
)
_REGION = re.compile(r"[a-z]+-[a-z]+[0-9]+")
_FOLDER = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9](/.*)?")
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_KMS_KEY = re.compile(r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataflowEngine:
    """A project and region of Dataflow, with the settings of its workers.

    https://cloud.google.com/dataflow/docs/reference/pipeline-options describes each field.
    """

    project: str  # its id, not its title
    region: str
    temp_location: str  # gs:// folder of a job's temporary files
    staging_location: str  # gs:// folder of what workers download when they start
    sdk_container_image: str  # the pipeline's image, which has Beam's start script (docs/how-to/vertex.md)
    machine_type: str | None = None  # of a worker; None: Dataflow's choice
    max_workers: int | None = None  # None: as many as Dataflow's autoscaling takes
    disk_gib: int | None = None  # of a worker
    service_account: str | None = None  # e-mail address of the workers' account; None: Compute Engine's default
    network: str | None = None  # by name; None: the project's default
    subnetwork: str | None = None  # regions/<region>/subnetworks/<name>, or its whole address
    use_public_ips: bool = True  # False: workers reach Google's services by Private Google Access only
    kms_key: str | None = None  # encrypts what a job stores while it runs; None: a key of Google's
    labels: tuple[tuple[str, str], ...] = ()  # of the jobs, for bills and for finding them

    def __post_init__(self) -> None:
        _require("project", self.project, _PROJECT, "the project's id, such as my-project-123")
        _require("region", self.region, _REGION, "a region such as europe-west1")
        for name in ("temp_location", "staging_location"):
            _require(name, getattr(self, name), _FOLDER, "a folder such as gs://my-bucket/dataflow")
        if self.kms_key is not None:
            expected = "projects/<project>/locations/<region>/keyRings/<ring>/cryptoKeys/<key>"
            _require("kms_key", self.kms_key, _KMS_KEY, expected)
        if not self.sdk_container_image:
            raise EngineError(
                "Dataflow: image: expected the pipeline's image, which workers run, received none; push one, and "
                "name it by digest"
            )
        for name, number in (("max_workers", self.max_workers), ("disk_gib", self.disk_gib)):
            if number is not None and number < 1:
                raise EngineError(f"Dataflow: {name}: expected 1 or more, received {number}")
        for key, value in self.labels:
            _require("labels", key, _LABEL_KEY, "keys of small letters, digits, - and _, a letter first")
            _require(f"labels.{key}", value, _LABEL_VALUE, "small letters, digits, - and _")

    def beam_args(self) -> tuple[str, ...]:
        """Return Beam's arguments for all nodes."""
        optional = {
            "worker_machine_type": self.machine_type,
            "max_num_workers": self.max_workers,
            "disk_size_gb": self.disk_gib,
            "service_account_email": self.service_account,
            "network": self.network,
            "subnetwork": self.subnetwork,
            "dataflow_kms_key": self.kms_key,
        }
        return (
            "--runner=DataflowRunner",
            f"--project={self.project}",
            f"--region={self.region}",
            f"--temp_location={self.temp_location}",
            f"--staging_location={self.staging_location}",
            f"--sdk_container_image={self.sdk_container_image}",
            # The image has Beam and the project; without this each job would download Beam again.
            "--sdk_location=container",
            # Large batches, independent of speed; see pipelines.engines.local.COMMON_ARGS.
            "--tfxio_use_byte_size_batching",
            *(f"--{name}={value}" for name, value in optional.items() if value is not None),
            *(() if self.use_public_ips else ("--no_use_public_ips",)),
            *(f"--labels={key}={value}" for key, value in self.labels),
        )

    def session(self) -> contextlib.AbstractContextManager[None]:
        """Return a context for the nodes of a run that does nothing: each node waits for its job."""
        return contextlib.nullcontext()


def require_remote_root(pipeline_root: str) -> None:
    """Check that Dataflow's workers can read and write a run's artifacts.

    Args:
        pipeline_root: the folder of the artifacts.

    Raises:
        EngineError: It is on a disk.
    """
    if not pipeline_root.startswith("gs://"):
        raise EngineError(
            f"Dataflow's workers are other machines, and cannot read {pipeline_root}: expected artifacts below gs://, "
            "received a folder of this machine; run the pipeline on Vertex AI, where Beam's nodes use Dataflow "
            "(python -m pipelines submit vertex), or here with --engine local"
        )


def _require(name: str, value: str, allowed: re.Pattern[str], expected: str) -> None:
    if not allowed.fullmatch(value):
        raise EngineError(f"Dataflow: {name}: expected {expected}, received {value!r}")
