"""The contract's time column."""

import pytest

from serving.contract.span_time import find_time_format


@pytest.mark.parametrize(
    ("tags", "type_name", "expected"),
    [
        (["example:1", "span_time:epoch seconds"], "INT", "epoch seconds"),
        (["date:%d.%m.%Y", "span_time"], "BYTES", "%d.%m.%Y"),
        (["date:%d.%m.%Y"], "BYTES", None),
        ([], "INT", None),
    ],
)
def test_the_tag_names_the_column_and_how_it_is_written(tags: list[str], type_name: str, expected: str | None) -> None:
    assert find_time_format("t", tags, type_name) == expected


@pytest.mark.parametrize(
    ("tags", "type_name"),
    [
        (["span_time"], "INT"),
        (["span_time:yesterday"], "BYTES"),
        (["span_time:epoch seconds"], "FLOAT"),
        (["span_time:epoch seconds", "span_time:epoch milliseconds"], "INT"),
    ],
)
def test_a_tag_that_cannot_be_used(tags: list[str], type_name: str) -> None:
    with pytest.raises(ValueError, match="change the t"):
        find_time_format("t", tags, type_name)
