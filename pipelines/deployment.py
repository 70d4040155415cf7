"""Read the settings of deployed servers that the pipeline needs, from serving/deploy/ and serving/gateway/."""

import re
import tomllib
from pathlib import Path

import yaml

from pipelines.config import ConfigError
from serving.server import config

_SERVING = Path(__file__).resolve().parents[1] / "serving"
DEPLOY, GATEWAY = _SERVING / "deploy", _SERVING / "gateway"
_IMAGE = "tensorflow/serving"
_DEFAULT = re.compile(r"\$\{\w+:-([^}]+)\}")  # a variable of compose, with the value used if it is not set
_EVEN = 0.5  # the gateway's own default


def batch_sizes(deploy: Path = DEPLOY) -> list[int]:
    """Return the numbers of rows in a batch of a deployed model server: 1, and its allowed_batch_sizes."""
    allowed = config.read_batching(deploy / "model_server" / "batching.config").allowed_batch_sizes
    return sorted({1, *allowed})


def tensorflow_serving_tag(deploy: Path = DEPLOY) -> str:
    """Return the tag of the image tensorflow/serving that compose.yaml deploys.

    Raises:
        ConfigError: The compose file names no tag, or several.
    """
    compose = deploy / "compose.yaml"
    services = yaml.safe_load(compose.read_text(encoding="utf-8"))["services"].values()
    images = [_DEFAULT.sub(r"\1", str(service["image"])) for service in services if "image" in service]
    tags = {tag for name, _, tag in (image.rpartition(":") for image in images) if name == _IMAGE}
    if len(tags) != 1:
        raise ConfigError(f"{compose}: expected one tag of the image {_IMAGE}, received {sorted(tags)}")
    return tags.pop()


def decision_threshold(task: str, gateway: Path = GATEWAY) -> float:
    """Return the probability from which the task's gateway decides for the positive class; 0.5 if it names none."""
    threshold = named_threshold(task, gateway)
    return _EVEN if threshold is None else threshold


def named_threshold(task: str, gateway: Path = GATEWAY) -> float | None:
    """Return the threshold that the settings of the task's gateway name; None if they name none."""
    settings = gateway / f"{task}.toml"
    if not settings.is_file():
        return None
    threshold = tomllib.loads(settings.read_text(encoding="utf-8")).get("threshold")
    return None if threshold is None else float(threshold)
