"""What ML Metadata knows of spans, and what follows for the next version."""

from pathlib import Path

import pytest

from components.accepted_spans import list_accepted_spans
from pipelines.ingestion.known_spans import KnownSpans
from pipelines.runner.metadata_cleanup import open_metadata_store
from pipelines.spans.errors import SpanError
from pipelines.spans.span import Span, read_span
from tests.pipelines.ingestion.stored_spans import PIPELINE, StoredSpans

Q1, Q2 = read_span("2014Q1", numbered=False), read_span("2014Q2", numbered=False)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """2014Q1 was accepted twice, by another contract in between; its third version was refused. 2014Q2 was replaced."""
    database = tmp_path / "metadata.sqlite"
    stored = StoredSpans(database)
    stored.add("2014Q1", Q1.number, 1, "a", "old")
    stored.add("2014Q1", Q1.number, 2, "b", "today", "other")
    stored.add("2014Q1", Q1.number, 3, "c")
    stored.add("2014Q2", Q2.number, 2, "e", "today")
    stored.add("2014Q2", Q2.number, 1, "d", "today")
    return database


@pytest.mark.parametrize(("digest", "expected"), [("today", "today"), ("other", "other"), ("next", "other")])
def test_the_judgement_of_today_counts_or_else_the_last(database: Path, digest: str, expected: str) -> None:
    """A change of the contract that was taken back: the judgement that counts again is old, from the cache."""
    accepted = list_accepted_spans(open_metadata_store(database), PIPELINE, digest)
    assert [(span.name, span.version) for span in accepted] == [("2014Q1", 2), ("2014Q2", 2)]
    assert accepted[0].judged_by == expected


@pytest.mark.parametrize(
    ("fingerprint", "refused", "version"),
    [("c", {}, 3), ("b", {}, 4), ("f", {}, 4), ("f", {4: "g"}, 5), ("f", {4: "f"}, 4), ("f", {2: "f"}, 4)],
)
def test_a_version_is_never_given_to_other_rows(
    database: Path, fingerprint: str, refused: dict[int, str], version: int
) -> None:
    known = KnownSpans(database, "taxi", "today")
    assert known.choose_version(Q1.number, fingerprint, refused) == version


def test_what_could_not_be_read_has_had_a_version(database: Path) -> None:
    known = KnownSpans(database, "taxi", "today")
    assert (known.choose_version(1, "f", {}), known.choose_version(1, "f", {1: "g"})) == (1, 2)


@pytest.mark.parametrize("name", ["2014-02", "2014-06-30", "2014", "16071", "7"])
def test_days_that_are_accepted_under_another_name_are_refused(database: Path, name: str) -> None:
    span = read_span(name, numbered=name != "2014")
    with pytest.raises(SpanError, match=f"span {name}: expected a span that shares no day.* 2014Q"):
        KnownSpans(database, "taxi", "today").check_period(span)


@pytest.mark.parametrize("span", [Q1, Q2, read_span("2014-07", numbered=False), read_span("2013Q4", numbered=False)])
def test_other_days_and_the_same_span_are_let_through(database: Path, span: Span) -> None:
    KnownSpans(database, "taxi", "today").check_period(span)
