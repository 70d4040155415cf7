"""retraining.toml: what it may say, and what is said of a mistake."""

import datetime
import re
from pathlib import Path

import pytest

from pipelines.retraining.policy import PolicyError, RetrainingPolicy, Retry, read_policy
from pipelines.task_definition.toml_table import TableError, read_toml

WHOLE = """
policy = "auto"
spans = "last:4"
window = "1d"
[due]
drift = true
[limits]
cool_down = "3d"
"""


def read(folder: Path, old: str = "", new: str = "") -> RetrainingPolicy:
    path = folder / "retraining.toml"
    path.write_text(WHOLE.replace(old, new) if old else WHOLE)
    return read_toml(path, RetrainingPolicy)


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    policy = read(tmp_path)
    assert (policy.policy, policy.due.drift, policy.due.performance, policy.limits.cool_down) == (
        "auto", True, False, "3d",
    )  # fmt: skip
    assert (policy.trial.percent, policy.retry.attempts, policy.tell) == (10, 3, ())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cool_down", "cooldown", r"limits: unknown key 'cooldown'; did you mean 'cool_down'\?"),
        ("drift = true", "drfit = true", r"due: unknown key 'drfit'; did you mean 'drift'\?"),
        ('"auto"', '"always"', "policy: expected 'auto', 'ask' or 'report', received 'always'"),
        ("drift = true", "drift = false", "due: expected schedule, drift, performance or new_rows, received none"),
        ('"last:4"', '"newest"', "spans 'newest': expected all, last:4"),
        (
            '"3d"',
            '"23h"',
            r"limits.cool_down: expected the window \(1d\) at least, received 23h: rows that were answered before",
        ),
        ('"3d"', '"3 days"', "cool_down: expected a whole number above 0 and a unit of s, m, h, d or w, such as 7d"),
        ('"3d"', '"9999999999d"', "cool_down: "),
        ("drift = true", "new_rows = 0", "new_rows: expected 1 or more, received 0"),
        ("drift = true", 'new_rows = "many"', "new_rows: expected a whole number, received 'many'"),
        ("[limits]", "[trial]\npercent = 0\n[limits]", "percent: expected more than 0 and 100 at most, received 0"),
    ],
)
def test_a_mistake_is_told_with_what_was_expected(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read(tmp_path, old, new)


def test_a_short_cool_down_is_allowed_where_no_window_is_looked_at(tmp_path: Path) -> None:
    assert (
        read(tmp_path, 'drift = true\n[limits]\ncool_down = "3d"', 'new_rows = 9\n[limits]\ncool_down = "1h"').window
        == "1d"
    )


def test_the_page_shows_a_whole_file(tmp_path: Path) -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "operate.md"
    (text,) = re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL)
    (tmp_path / "retraining.toml").write_text(text)
    policy = read_toml(tmp_path / "retraining.toml", RetrainingPolicy)
    assert (policy.policy, policy.due.new_rows, policy.retry.back_off) == ("ask", 800, "15m")


def test_the_taxi_task_has_one() -> None:
    assert read_policy("taxi").policy == "ask"


def test_a_task_without_one_is_told_where_it_belongs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "tasks_of_a_test" / "unwatched"
    package.mkdir(parents=True)
    (package / "task.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PolicyError, match=rf"{package}/retraining.toml is not there: expected the policy"):
        read_policy("tasks_of_a_test.unwatched")


def test_the_wait_doubles_with_every_attempt() -> None:
    retry = Retry(attempts=4, back_off="10m")
    assert [retry.wait(attempts) / datetime.timedelta(minutes=1) for attempts in (1, 2, 3)] == [10, 20, 40]
