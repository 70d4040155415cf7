import datetime
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from pipelines.replay.lines import LabelledAnswers, read_estimate

NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)


def test_a_small_but_steady_gain_is_seen_on_the_same_rows() -> None:
    """Either line's own interval is far wider than the difference, whose errors are correlated."""
    draw = np.random.default_rng(3)
    chances = draw.beta(0.4, 1.2, 4000)
    labels = (draw.random(4000) < chances).astype(np.int64)
    first = np.clip(chances * 0.8, 0.001, 0.999)
    parts = [
        LabelledAnswers(
            labels=labels[place::2], retrained=np.clip(chances, 0.001, 0.999)[place::2], first=first[place::2]
        )
        for place in (0, 1)
    ]
    found = LabelledAnswers.join(parts).measure()
    assert found.rows == 4000
    loss = found.difference["binary_crossentropy"]
    own = found.retrained["binary_crossentropy"]
    assert loss.high < 0
    assert own.high - own.low > 3 * (loss.high - loss.low)
    order = np.r_[0:4000:2, 1:4000:2]
    expected = log_loss(labels, np.clip(chances, 0.001, 0.999)) - log_loss(labels, first)
    assert loss.value == pytest.approx(expected, abs=1e-4)
    assert found.first["auc"].value == pytest.approx(roc_auc_score(labels[order], first[order]), abs=1e-9)


def written(folder: Path, end: datetime.datetime) -> Path:
    interval = {"value": 0.9, "low": 0.8, "high": 0.95}
    record = {
        "window_end": end.isoformat(), "version": "7", "slice": "overall", "metric": "auc", "rows": 100,
        "estimated": interval, "production": interval | {"low": None},
    }  # fmt: skip
    older = record | {"window_end": (end - MINUTE).isoformat(), "rows": 3}
    part = record | {"slice": "fare = 3", "rows": 5}
    path = folder / "taxi.json"
    path.write_text(json.dumps({"records": [older, part, record]}))
    return path


def test_the_estimate_is_that_of_the_newest_window_and_all_rows(tmp_path: Path) -> None:
    path = written(tmp_path, NOON)
    found = read_estimate(path, "7", NOON - MINUTE)
    assert found is not None
    assert (found.rows, found.estimated["auc"].value) == (100, 0.9)
    assert np.isnan(found.measured["auc"].low)
    assert read_estimate(path, "8", NOON - MINUTE) is None
    assert read_estimate(path, "7", NOON + MINUTE) is None  # A window of the span before.
    assert read_estimate(tmp_path / "none.json", "7", NOON) is None
