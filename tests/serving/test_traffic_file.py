"""The file that the roll-out writes and the gateway reads."""

import pytest

from serving import traffic_file


@pytest.mark.parametrize("percent", [0, 12.5, 100])
def test_what_is_written_is_read(percent: float) -> None:
    assert traffic_file.text(percent) == f'{{"canary_percent": {percent}}}\n'
    assert traffic_file.parse(traffic_file.text(percent)) == percent


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"canary_percent": "5"}', "null"])
def test_no_percentage(text: str) -> None:
    with pytest.raises(ValueError, match="canary_percent"):
        traffic_file.parse(text)


@pytest.mark.parametrize("value", ["101", "-1", "true", "NaN"])
def test_a_percentage_out_of_range(value: str) -> None:
    with pytest.raises(ValueError, match="canary_percent: expected a number from 0 to 100, received"):
        traffic_file.parse(f'{{"canary_percent": {value}}}')
