"""The options of `compile kubeflow`. The text below a field is its help. Loads without kfp."""

import dataclasses
import re
from pathlib import Path
from typing import Literal, get_args

from pipelines.config import ConfigError, require_at_least
from pipelines.metadata_database import MySqlDatabase

_IMAGE = re.compile(r"[a-z0-9][\w.:/-]*@sha256:[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")  # of a Kubernetes object, RFC 1123
_SIZE = re.compile(r"[1-9][0-9]*(Mi|Gi|Ti)")
_MOUNT = re.compile(r"(/[\w-][\w.-]*)+")
_SECRET_KEY = re.compile(r"[A-Za-z0-9._-]+")
AccessMode = Literal["ReadWriteOnce", "ReadWriteMany"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class KubeflowOptions:
    """What to compile, where to write it, and what the cluster provides."""

    graph: Path
    """The graph file, as `node --graph` wrote it."""
    image: str
    """The image of the pipeline, by digest: registry/name@sha256:…"""
    out: Path
    """Write the pipeline to this YAML file."""
    claim: str = "pipelines"
    """The PersistentVolumeClaim that holds --var; all tasks mount it."""
    claim_size: str | None = None
    """Also write a manifest of that claim, of this size, such as 50Gi."""
    claim_access: AccessMode = "ReadWriteMany"
    """The access mode of that claim; with ReadWriteOnce, tasks run on one machine only."""
    storage_class: str | None = None
    """The storage class of that claim; without it, the cluster's default."""
    mount: str = "/mnt/pipelines"
    """The path at which tasks mount the claim. --var of the run is the folder `var` below it."""
    metadata: str | None = None
    """Keep ML Metadata in MySQL: mysql://user@host/database. Nodes can run at once."""
    metadata_secret: str = "pipelines-metadata"
    """With --metadata: the Secret that holds the password."""
    metadata_secret_key: str = "password"
    """The key of the password in that Secret."""
    accelerators: int = 0
    """Accelerators for the Trainer, and as many for the Tuner."""
    accelerator: str = "nvidia.com/gpu"
    """The accelerator's resource name in the cluster."""
    training_cores: int = 4
    """Cores that the Trainer and the Tuner ask for; every other node asks for one."""

    def __post_init__(self) -> None:
        if not _IMAGE.fullmatch(self.image):
            raise ConfigError(
                "image: expected registry/name@sha256: and 64 hexadecimal digits, since a tag may name another image "
                f"later, received {self.image!r}"
            )
        if self.out.suffix not in (".yaml", ".yml"):
            raise ConfigError(f"out: expected a file name that ends with .yaml or .yml, received {str(self.out)!r}")
        for name in ("claim", "metadata_secret", "storage_class"):
            value = getattr(self, name)
            if value is not None and not _NAME.fullmatch(value):
                raise ConfigError(
                    f"{name.replace('_', ' ')}: expected a name of small letters, digits and -, received {value!r}"
                )
        if not _SECRET_KEY.fullmatch(self.metadata_secret_key):
            raise ConfigError(
                f"metadata secret key: expected letters, digits, -, _ and ., received {self.metadata_secret_key!r}"
            )
        if self.claim_size is not None and not _SIZE.fullmatch(self.claim_size):
            raise ConfigError(
                f"claim size: expected a number and Mi, Gi or Ti, such as 50Gi, received {self.claim_size!r}"
            )
        if self.claim_access not in get_args(AccessMode):
            raise ConfigError(
                f"claim access: expected one of {', '.join(get_args(AccessMode))}, received {self.claim_access!r}"
            )
        if not _MOUNT.fullmatch(self.mount):
            raise ConfigError(f"mount: expected an absolute path such as /mnt/pipelines, received {self.mount!r}")
        require_at_least("accelerators", self.accelerators, 0)
        require_at_least("training cores", self.training_cores, 1)
        if self.metadata is not None:
            MySqlDatabase.parse(self.metadata)  # raises an error if it is no address
