"""Which bounds there may be."""

import pytest

from serving.http_bounds.limits import HttpLimits


@pytest.mark.parametrize("name", ["header_bytes", "head_seconds", "connections"])
def test_a_bound_is_above_zero(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name}: expected a number above 0, received 0$"):
        HttpLimits(**{name: 0})


def test_a_line_is_no_longer_than_the_head() -> None:
    with pytest.raises(ValueError, match=r"^header_line_bytes: expected at most header_bytes, 10, received 8192$"):
        HttpLimits(header_bytes=10)
