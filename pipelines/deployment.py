"""What the pipeline takes from serving/deploy, the files that its models are served with."""

import re
from pathlib import Path

from pipelines.config import ConfigError
from serving.server import config

DEPLOY = Path(__file__).resolve().parents[1] / "serving" / "deploy"


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
    tags = set(re.findall(r"image: tensorflow/serving:(\S+)", compose.read_text(encoding="utf-8")))
    if len(tags) != 1:
        raise ConfigError(f"{compose}: expected one tag of the image tensorflow/serving, received {sorted(tags)}")
    return tags.pop()
