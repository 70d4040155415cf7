"""The file that the gateway reads its share from."""

import json
from pathlib import Path

import pytest

from serving.gateway.traffic_split import Traffic
from serving.rollout import traffic_file
from serving.rollout.errors import PreconditionError


@pytest.mark.parametrize("percent", [0, 12.5, 100])
def test_the_gateway_reads_what_is_written(tmp_path: Path, percent: float) -> None:
    path = tmp_path / traffic_file.NAME
    gateway = Traffic(path)
    assert gateway.canary_percent == traffic_file.read(path) == 0
    traffic_file.write(path, percent)
    assert json.loads(path.read_text()) == {"canary_percent": percent}
    assert gateway.canary_percent == traffic_file.read(path) == percent


@pytest.mark.parametrize("text", ["", "5", "{}", '{"canary_percent": "5"}', '{"canary_percent": true}',
                                  '{"canary_percent": 101}', '{"canary_percent": NaN}'])  # fmt: skip
def test_another_text_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / traffic_file.NAME
    path.write_text(text)
    with pytest.raises(PreconditionError, match="does not say which share goes to the canary"):
        traffic_file.read(path)
