"""What the pipeline takes from the files that its models are served with: serving/deploy, the gateway's settings."""

import re
import tomllib
from pathlib import Path

import yaml

from pipelines.config import ConfigError
from serving.server import config

_SERVING = Path(__file__).resolve().parents[1] / "serving"
DEPLOY, GATEWAY = _SERVING / "deploy", _SERVING / "gateway"
_IMAGE = "tensorflow/serving"
_DEFAULT = re.compile(r"\$\{\w+:-([^}]+)\}")  # what compose takes where the variable is not set
_EVEN = 0.5  # the gateway's own default


def batch_sizes(deploy: Path = DEPLOY) -> list[int]:
    """How many rows the batches have that a deployed server computes: 1 without batching, else the allowed sizes."""
    allowed = config.read_batching(deploy / "model_server" / "batching.config").allowed_batch_sizes
    return sorted({1, *allowed})


def tensorflow_serving_tag(deploy: Path = DEPLOY) -> str:
    """The tag of the image tensorflow/serving that is deployed.

    Raises:
        ConfigError: The compose file does not name one.
    """
    compose = deploy / "compose.yaml"
    services = yaml.safe_load(compose.read_text(encoding="utf-8"))["services"].values()
    images = [_DEFAULT.sub(r"\1", str(service["image"])) for service in services if "image" in service]
    tags = {tag for name, _, tag in (image.rpartition(":") for image in images) if name == _IMAGE}
    if len(tags) != 1:
        raise ConfigError(f"{compose}: expected one tag of the image {_IMAGE}, received {sorted(tags)}")
    return tags.pop()


def decision_threshold(task: str, gateway: Path = GATEWAY) -> float:
    """The probability from which on the task's gateway decides for the positive class; 0.5 for a task without one."""
    settings = gateway / f"{task}.toml"
    if not settings.is_file():
        return _EVEN
    return float(tomllib.loads(settings.read_text(encoding="utf-8")).get("threshold", _EVEN))
