"""Windows of logged rows, written and read on any file system."""

import datetime
import json
from pathlib import Path

from tfx.types import standard_artifacts

from components.artifact_files import list_split_files, local_copy
from components.artifacts import LoggedAnswers
from components.request_log_example_gen import executor as example_gen
from components.tfrecords import read_records
from components.traffic_monitor import executor
from components.traffic_monitor.rows import read_sample
from serving.contract import Kind
from serving.contract.target import Target
from serving.problem import REGRESSION
from tests.serving.request_log import logged

ROWS = 20


def test_a_window_of_the_log_is_written_and_read_where_the_artifacts_are(tmp_path: Path, ram: str) -> None:
    writer, _ = logged.start(tmp_path / "log", target=Target(problem=REGRESSION, kind=Kind.FLOAT))
    for number in range(ROWS):
        received = logged.MORNING + datetime.timedelta(seconds=number)
        said = {"probabilities": None, "decisions": None, "values": [float(number)]}
        logged.offer(writer, str(number), received=received, **said)
    writer.close()
    begin, end = (logged.MORNING + datetime.timedelta(hours=hours) for hours in (-1, 1))
    windows = {"window": (begin.isoformat(), end.isoformat()), "before": (begin.isoformat(), begin.isoformat())}
    examples, answers = standard_artifacts.Examples(), LoggedAnswers()
    examples.uri, answers.uri = f"{ram}/examples", f"{ram}/answers"
    example_gen.Executor().Do(
        {},
        {"examples": [examples], "answers": [answers]},
        {"folder": str(tmp_path / "log"), "windows": json.dumps(windows)},
    )
    assert len(read_records(list_split_files(examples, "window"))) == ROWS
    assert len(read_sample([examples.uri], "window")) == ROWS
    with local_copy(f"{answers.uri}/answers.parquet") as file:
        window = executor._read_window(examples.uri, file, "window", [])
    assert (window.answers.rows, window.sample.rows) == (ROWS, ROWS)
