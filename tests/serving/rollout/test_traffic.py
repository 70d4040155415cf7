"""The share of requests that a roll-out gives to the canary."""

from pathlib import Path

import pytest

from serving.gateway.traffic_split import TrafficSplit
from serving.rollout.errors import PreconditionError
from serving.rollout.rollout import Rollout


def rollout(folder: Path) -> Rollout:
    return Rollout(
        config_path=folder / "models.config", model="taxi", servers=[], versions_folder=folder, signature="serving_raw",
        drain_seconds=0, say=print,
    )  # fmt: skip


@pytest.mark.parametrize("percent", [0.5, 12.5, 100])
def test_the_gateway_reads_what_is_written(tmp_path: Path, percent: float) -> None:
    made = rollout(tmp_path)
    gateway = TrafficSplit(made.traffic_path)
    assert gateway.canary_percent == made.traffic() == 0
    made.set_traffic(percent)
    assert gateway.canary_percent == made.traffic() == percent
    made.set_traffic(0)
    assert gateway.canary_percent == made.traffic() == 0


@pytest.mark.parametrize("text", ["", "5", "{}", '{"canary_percent": "5"}', '{"canary_percent": true}',
                                  '{"canary_percent": 101}', '{"canary_percent": NaN}'])  # fmt: skip
def test_another_text_is_refused(tmp_path: Path, text: str) -> None:
    made = rollout(tmp_path)
    made.traffic_path.write_text(text)
    with pytest.raises(PreconditionError, match=r"traffic.json holds no share for the canary: .*expected"):
        made.traffic()
