"""What is replayed: logged requests as they came, without what the log left out."""

import contextlib
import datetime
import json
import os
from pathlib import Path

import pytest

from serving.request_log.files import LogFolder
from serving.request_log.settings import RequestLogSettings
from serving.rollout import replay_requests
from serving.rollout.errors import PreconditionError
from tests.serving.rollout.requests_log import TRIPS, write_log
from tests.serving.rollout.users import as_user

WRITER = 65532  # user and group of the gateway's image


def test_rows_of_a_request_stay_together(tmp_path: Path) -> None:
    write_log(tmp_path / "2026-11-21" / "b.parquet", [{"fare": 3.0, "company": "Flash", "request_id": "z"}])
    write_log(tmp_path / "2026-11-20" / "a.parquet", [
        {"fare": 1.5, "company": None, "request_id": "x", "request_row": 0},
        {"fare": 2.0, "company": "Blue", "request_id": "x", "request_row": 1},
        {"fare": 9.0, "company": "Flash", "request_id": "y", "request_row": 0},
    ])  # fmt: skip
    found = replay_requests.read(tmp_path, [TRIPS], limit=10)
    assert found.rows == [
        [{"fare": 1.5, "company": None}, {"fare": 2.0, "company": "Blue"}],
        [{"fare": 9.0, "company": "Flash"}],
        [{"fare": 3.0, "company": "Flash"}],
    ]
    assert found.left_out == {}
    assert replay_requests.read(tmp_path, [TRIPS], limit=2).rows == found.rows[1:]
    assert replay_requests.read(tmp_path, [TRIPS], limit=1).rows == found.rows[2:]


def test_an_id_that_comes_again_is_another_request(tmp_path: Path) -> None:
    """Clients choose ids, and repeat them when they try again; the last rows begin in the middle of one."""
    came = [("x", 0), ("x", 1), ("x", 0), ("x", 1), ("y", 0), ("x", 0), ("x", 2), ("y", 3), ("y", 4)]
    write_log(tmp_path / "a.parquet", [
        {"fare": float(number), "request_id": name, "request_row": row} for number, (name, row) in enumerate(came)
    ])  # fmt: skip
    found = replay_requests.read(tmp_path, [TRIPS], limit=10)
    assert [[row["fare"] for row in rows] for rows in found.rows] == [[0, 1], [2, 3], [4], [5], [6], [7, 8]]


@pytest.mark.parametrize("column", ["request_id", "request_row"])
def test_each_row_is_a_request_where_the_log_does_not_tell(tmp_path: Path, column: str) -> None:
    rows = [{"fare": float(number), "request_id": "x", "request_row": number} for number in range(2)]
    write_log(tmp_path / "a.parquet", rows, dropped=(column,))
    assert replay_requests.read(tmp_path, [TRIPS], limit=10).rows == [
        [{"fare": 0, "company": None}], [{"fare": 1, "company": None}]
    ]  # fmt: skip


def test_what_the_gateway_refused_is_not_replayed(tmp_path: Path) -> None:
    write_log(tmp_path / "a.parquet", [
        {"fare": 1.0, "request_id": "ok"},
        {"fare": -1.0, "request_id": "refused", "answer_status": 422},
        {"fare": 2.0, "request_id": "no model answered", "answer_status": 503},
    ])  # fmt: skip
    found = replay_requests.read(tmp_path / "a.parquet", [TRIPS], limit=10)
    assert [[row["fare"] for row in rows] for rows in found.rows] == [[1.0], [2.0]]
    assert found.skipped == 1


def test_optional_columns_that_were_dropped_or_hashed_are_missing(tmp_path: Path) -> None:
    write_log(tmp_path / "a.parquet", [{"fare": 1.0, "request_id": "x"}], dropped=("company",))
    found = replay_requests.read(tmp_path, [TRIPS], limit=10)
    assert (found.rows, found.left_out) == ([[{"fare": 1.0}]], {"company": "dropped from the log"})
    write_log(tmp_path / "a.parquet", [{"fare": 1.0, "company": "5e8f", "request_id": "x"}], hashed=("company",))
    found = replay_requests.read(tmp_path, [TRIPS], limit=10)
    assert (found.rows, found.left_out) == ([[{"fare": 1.0}]], {"company": "hashed in the log"})
    assert TRIPS.inputs(list(found.rows[0])) == {"fare": [1.0], "company": [""]}


def test_a_required_column_that_was_dropped_cannot_be_replayed(tmp_path: Path) -> None:
    write_log(tmp_path / "a.parquet", [{"company": "Flash"}], dropped=("fare",))
    with pytest.raises(
        PreconditionError, match=r"the contract requires fare \(dropped from the log\); keep these columns"
    ):
        replay_requests.read(tmp_path, [TRIPS], limit=10)


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "trips.jsonl"
    path.write_text('{"fare": 5}\n\n[{"fare": 1.5, "company": null}, {"fare": 2, "company": "Flash"}]\n')
    found = replay_requests.read(path, [TRIPS], limit=10)
    assert found.rows == [[{"fare": 5}], [{"fare": 1.5, "company": None}, {"fare": 2, "company": "Flash"}]]
    assert replay_requests.read(path, [TRIPS], limit=1).rows == found.rows[1:]


@pytest.mark.parametrize(("line", "message"), [
    ("fare=5", r":2: expected a row as JSON, received 'fare=5"),
    ("5", r":2: expected an object of features, received 5"),
    ('{"fare": 5, "tip": 1}', r":2: tip: not a feature of the contract; expected company, fare"),
    ("{}", r":2: fare: expected a number from 0 to 1000, received null"),
    ('{"fare": 1001}', r":2: fare: expected a number from 0 to 1000, received 1001"),
    ('[{"fare": 1}, {"fare": "1"}]', r':2: fare: expected a number from 0 to 1000, received "1"'),
])  # fmt: skip
def test_lines_that_are_no_requests(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "trips.jsonl"
    path.write_text(json.dumps({"fare": 5}) + "\n" + line + "\n")
    with pytest.raises(PreconditionError, match=message):
        replay_requests.read(path, [TRIPS], limit=10)


def test_nothing_to_replay(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.jsonl"):
        with pytest.raises(PreconditionError, match="no requests to replay at"):
            replay_requests.read(path, [TRIPS], limit=10)
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(PreconditionError, match="holds no request that can be replayed"):
        replay_requests.read(tmp_path / "empty.jsonl", [TRIPS], limit=10)
    (tmp_path / "a.parquet").write_text("no Parquet")
    with pytest.raises(PreconditionError, match=r"a.parquet is not a file of the request log: expected Parquet"):
        replay_requests.read(tmp_path, [TRIPS], limit=10)


@pytest.mark.parametrize("closed", [".", "2026-11-21", "2026-11-21/a.parquet"])
def test_a_log_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: str) -> None:
    """One unreadable folder is enough: the newest requests might be in there."""
    log = tmp_path / "requests"
    for day in ("2026-11-20", "2026-11-21"):
        write_log(log / day / "a.parquet", [{"fare": 1.0}])
    assert len(replay_requests.read(log, [TRIPS], limit=10).rows) == 2
    (log / closed).chmod(0)
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)  # the folders above are pytest's user's alone
    message = (
        r"^the request log requests.* cannot be read: expected permission for uid \d+, received .*Permission denied"
    )
    user = as_user(1000, [1000]) if os.geteuid() == 0 else contextlib.nullcontext()
    with user, pytest.raises(PreconditionError, match=message):
        replay_requests.read(Path("requests"), [TRIPS], limit=10)


def test_who_shares_the_gateways_group_reads_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "rows.parquet"
    write_log(table, [{"fare": 1.0}])
    assert len(replay_requests.read(table, [TRIPS], limit=10).rows) == 1  # imports what another user might not
    content = memoryview(table.read_bytes())
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    Path("log").mkdir()
    os.chown("log", WRITER, WRITER)  # as the image's folder, where the volume is mounted
    with as_user(WRITER, [WRITER]):
        LogFolder(RequestLogSettings(folder=Path("log/requests"))).write(datetime.datetime.now(datetime.UTC), content)
    with as_user(1000, [1000, WRITER]):
        assert replay_requests.read(Path("log/requests"), [TRIPS], limit=10).rows == [[{"fare": 1, "company": None}]]
    with as_user(1000, [1000]), pytest.raises(PreconditionError, match="join that group"):
        replay_requests.read(Path("log/requests"), [TRIPS], limit=10)
