"""Whose fault it is that requests failed: the version that was asked."""

import datetime

import pyarrow as pa
import pytest

from components.traffic_monitor.answers import Answers
from serving.request_log import columns as log

BEGIN = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)


def table(*requests: tuple[int, int | None, int]) -> pa.Table:
    """(rows, version, status) of requests, a second apart."""
    times = [BEGIN + datetime.timedelta(seconds=at) for at, (rows, _, _) in enumerate(requests) for _ in range(rows)]
    return pa.table(
        {
            log.REQUEST_TIME: pa.array(times, pa.timestamp("us", tz="UTC")),
            log.MODEL_VERSION: pa.array([version for rows, version, _ in requests for _ in range(rows)], pa.int64()),
            log.ANSWER_STATUS: pa.array([status for rows, _, status in requests for _ in range(rows)], pa.int16()),
        }
    )


LOGGED = table((1, 17, 200), (3, 18, 504), (1, 18, 200), (1, 18, 502), (2, 17, 503), (1, None, 503))


def test_requests_count_once_and_by_the_version_that_was_asked() -> None:
    assert Answers(LOGGED).count_failed() == {"": 1, "17": 1, "18": 2}


def test_a_failed_row_belongs_to_no_version_that_answered() -> None:
    assert sorted(Answers(LOGGED).versions) == ["17", "18"]
    assert Answers(LOGGED).rows == 2


@pytest.mark.parametrize("logged", [table((2, 17, 200)), LOGGED.slice(0, 0)])
def test_none_failed(logged: pa.Table) -> None:
    assert Answers(logged).count_failed() == {}


def test_a_log_without_versions() -> None:
    assert Answers(LOGGED.drop([log.MODEL_VERSION])).count_failed() == {"": 4}
