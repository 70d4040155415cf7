"""The colours of the charts can be read, on a light page and on a dark one."""

import altair as alt
import pytest

from pipelines.charts import theme

PAGES = {theme.LIGHT: "#ffffff", theme.DARK: "#151b23"}  # the report's cards; the page behind them is darker still


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, as WCAG 2.1 defines it."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(color: str) -> float:
    """Relative luminance of #rrggbb."""
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_measure_itself() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", theme.SCHEMES)
def test_text_and_marks_stand_out(scheme: str) -> None:
    palette, page = theme.PALETTES[scheme], PAGES[scheme]
    assert min(contrast(color, page) for color in (palette.text, palette.quiet)) >= 4.5
    assert min(contrast(color, page) for color in palette.categories) >= 3
    assert min(contrast(palette.text, color) for color in palette.heat) >= 4.5, "numbers in a confusion matrix"


def test_notebooks_take_a_scheme_over() -> None:
    before = alt.theme.active
    try:
        theme.use_theme(theme.DARK)
        chart = alt.Chart(alt.Data(values=[{"a": 1}])).mark_point().encode(x="a:Q").to_dict()
        assert chart["config"]["axis"]["titleColor"] == theme.PALETTES[theme.DARK].text
    finally:
        alt.theme.enable(before)
