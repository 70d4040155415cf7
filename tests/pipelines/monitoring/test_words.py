"""What people are told of a verdict, on the terminal and on the page."""

import io
from pathlib import Path

import pytest
from markupsafe import Markup
from rich.console import Console

from pipelines.monitoring.leave import tell
from pipelines.monitoring.page import render
from pipelines.monitoring.words import clearest_findings, describe_verdict
from tests.pipelines.monitoring.records import FINDING, made_record


@pytest.mark.parametrize(
    ("verdict", "word", "sentence"),
    [
        ("alarm", "Alarm", "fare changed by more than chance."),
        ("unchanged", "Unchanged", "Nothing in 1,000 rows differs by more than chance."),
        ("too_few_rows", "Too few rows to judge", "No test found a change, but 1,000 rows show only large changes."),
        ("empty", "Empty window", "No row was answered in the window."),
    ],
)
def test_a_verdict_in_words(verdict: str, word: str, sentence: str) -> None:
    words = describe_verdict(made_record(verdict))
    assert (words.word, words.sentence) == (word, sentence)


def test_a_broken_contract_is_an_alarm_of_its_own() -> None:
    record = made_record("alarm")
    record.report["anomalies"] = [
        {"column": "fare", "kind": "FEATURE_TYPE_LOW_FRACTION_PRESENT", "description": "…"},
        {"column": "", "kind": "DATASET_LOW_NUM_EXAMPLES", "description": "…"},
    ]
    assert (
        describe_verdict(record).sentence == "fare changed by more than chance. all rows and fare broke the contract."
    )


def test_of_each_column_and_test_the_clearest_finding_is_shown() -> None:
    other = FINDING | {"column": "", "test": "copies", "adjusted_p_value": 1e-3}
    shown = clearest_findings([other, FINDING, FINDING | {"adjusted_p_value": 1e-20, "observed": "median 12"}])
    assert [(one.column, one.observed, one.p) for one in shown] == [
        ("fare", "median 12", "1e-20"),
        ("all rows", "median 9", "0.001"),
    ]


def test_the_terminal_says_verdict_window_and_findings(tmp_path: Path) -> None:
    said = io.StringIO()
    tell(made_record("alarm"), Console(file=said, width=80, highlight=False), tmp_path)
    lines = said.getvalue().splitlines()
    assert lines[1] == (
        "Alarm  2026-03-08 00:00 to 2026-03-15 00:00 UTC: 1,000 rows answered, 1,000 in the window before"
    )
    assert lines[2] == "140 tests at 1% together: of a share of one half, a change of 7.6% is found 4 times in 5"
    assert [cell.strip() for cell in lines[4].split("  ") if cell.strip()] == [
        "fare", "larger or smaller values", "median 9", "training: median 8", "<1e-300",
    ]  # fmt: skip


NO_LABELS = Markup("")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script of the figures takes two seconds to bundle."""
    return tmp_path_factory.mktemp("cache")


def test_a_page_of_no_rows_says_that_nothing_was_tested(cache: Path) -> None:
    record = made_record("empty", rows=0)
    record.report["tests"] = 0
    page = render(record, cache, NO_LABELS)
    assert "Nothing was tested: there are no rows." in page
    assert "No test found" not in page
    assert "No test found a difference beyond chance." in render(made_record("unchanged"), cache, NO_LABELS)


def test_a_page_shows_shares_of_classes(cache: Path) -> None:
    record = made_record("unchanged")
    record.report["versions"][0]["class_shares"] = {"a": 0.25, "<b>": 0.75}
    page = render(record, cache, NO_LABELS)
    assert "No predictions are logged" not in page
    assert page.index("&lt;b&gt;</td>") < page.index('data-label="class">a</td>')  # the most frequent first
    assert "75.0%" in page


def test_a_page_shows_labels_and_escapes_what_was_logged(cache: Path) -> None:
    record = made_record("alarm")
    record.report["findings"][0]["observed"] = "<script>alert(1)</script>"
    record.report["findings"][0]["adjusted_p_value"] = 0.0
    page = render(record, cache, Markup("<p>AUC 0.95</p>"))
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<p>AUC 0.95</p>" in page
