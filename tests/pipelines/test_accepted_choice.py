"""A choice of spans whose database is none."""

from pathlib import Path

import pytest

from pipelines.accepted_choice import choose_accepted_spans
from pipelines.spans.errors import SpanError


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "expected accepted spans of task taxi, received none"),
        ("no database" * 100, "that can be read, received .*not a database"),
    ],
)
def test_a_database_that_cannot_be_read_is_told(tmp_path: Path, content: str, said: str) -> None:
    """Also the empty file that a killed run leaves."""
    database = tmp_path / "metadata.sqlite"
    database.write_text(content)
    with pytest.raises(SpanError, match=said):
        choose_accepted_spans("last:2", "taxi", database)
