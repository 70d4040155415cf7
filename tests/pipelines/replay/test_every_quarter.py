"""The whole replay of the taxi trips; `make test-replay`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from data import taxi
from tests.runs.project import SOURCE

pytestmark = [pytest.mark.replay, pytest.mark.pipeline, pytest.mark.one_stack]

TRAINED_FIRST = ["2013Q1", "2013Q2", "2013Q3", "2013Q4"]


def test_every_quarter_is_played(tmp_path: Path) -> None:
    files = taxi.prepare_spans(tmp_path / "quarters")
    folders = ["--from", str(tmp_path / "quarters"), "--var", str(tmp_path / "var")]
    command = [sys.executable, "-m", "pipelines", "replay", *folders]
    done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((tmp_path / "var" / "summary.json").read_text())
    assert record["trained_first"] == TRAINED_FIRST
    rows = {path.stem.partition("-")[2]: count for path, count in files.items()}
    sent = {span["span"]: span["sent"] for span in record["spans"]}
    assert sent == {name: count for name, count in rows.items() if name not in TRAINED_FIRST}
    # No row was lost on the way: not to a roll-out, not to the log, not to feedback.
    for span in record["spans"]:
        assert (span["refused"], span["failed"]) == ([], [])
        assert span["sent"] == sum(span["versions"].values()) == span["told"] == span["comparison"]["rows"]
    assert record["overall"]["rows"] == sum(sent.values())
    # After each quarter one decision; every training came to an end, but for a last one that may be on trial.
    assert [decision["span"] for decision in record["decisions"]] == ["2013Q4", *sent]
    ended = [decision["outcome"] for decision in record["decisions"][:-1] if decision["act"]]
    assert set(ended) <= {"pushed", "promoted", "refused", "rolled back"}
    assert ended.count("promoted") >= 3
    # Of all versions that answered, each was the first one, or was tried.
    answered = {version for span in record["spans"] for version in span["versions"]}
    assert answered <= {decision["version"] for decision in record["decisions"] if decision["act"]}
